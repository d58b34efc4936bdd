import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseClientId, parseServiceName } from '../core/names.ts'
import { signClientAssertion } from '../tokens/client-assertion.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { verifyContext } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'
import {
  type ControlSite,
  fillCatalogue,
  jane,
  onboarded,
  operator,
  startControlSite,
  succeeded,
  tenant,
} from './control-site.test-support.ts'
import type { OpenControlPlane } from './open-control-plane.ts'

const AUDIENCE = 'urn:ringfence:control'
const clinic = parseServiceName('clinic')
const billing = parseServiceName('billing')
const client = parseClientId('clinic-jobs')
const other = parseClientId('billing-jobs')

let site: ControlSite
let plane: OpenControlPlane
let key: SigningKey
let otherKey: SigningKey

before(async () => {
  site = await startControlSite()
  key = await SigningKey.create('ES256')
  otherKey = await SigningKey.create('ES256')
  plane = await site.open({
    platform: {
      audience: 'https://api.example.test',
      contextKeys: [],
      services: [clinic, billing].map((name) => ({
        name,
        upstream: 'http://127.0.0.1:1',
        prefix: `/${name}`,
      })),
      workloads: [
        { client, service: clinic, keys: [key.publicJwk], scopes: ['read'] },
        { client: other, service: billing, keys: [otherKey.publicJwk], scopes: ['read', 'write'] },
      ],
    },
  })
  await fillCatalogue(plane)
  for (const id of ['acme', 'beta', 'gone']) await onboarded(plane, id)
  await succeeded(plane, await plane.tenants.suspend(tenant('gone'), 'unpaid', jane))
})
after(() => site?.stop())

const job = {
  job: 'nightly-report',
  service: clinic,
  scopes: ['read'],
  seconds: 60,
  reason: 'the nightly report',
} as const
const workload = async () =>
  plane.jobs.authenticate(await signClientAssertion(key, client, AUDIENCE), 'run-1')

test('a workload gets a context for each tenant that is served, for its service and time alone', async () => {
  const contexts = await plane.jobs.contexts(job, await workload())
  assert.deepEqual(
    contexts.map((one) => one.tenant),
    ['acme', 'beta'],
  )
  const keys = {
    request: new KeySet([]),
    job: new KeySet([site.keys.job.publicJwk]),
  }
  for (const { token, tenant: id, expiresAt } of contexts) {
    const context = await verifyContext(token, keys, clinic)
    assert.equal(context.kind, 'job')
    assert.equal(context.tenant, id)
    assert.deepEqual(context.scopes, ['read'])
    assert.equal(context.requestId, 'run-1')
    assert.ok(Math.abs(context.expiresAt.getTime() - expiresAt.getTime()) <= 1000)
    await assert.rejects(verifyContext(token, keys, billing), { code: 'invalid_token' })
  }
})

test('what is issued is in the record, tenant by tenant', async () => {
  await plane.jobs.contexts({ ...job, tenants: [tenant('beta')] }, await workload())
  const issued = await site.ask<{ tenant: string; by: string; reason: string; job: string }>(
    'select tenant, by, reason, job from registry.job_issue order by id desc limit 1',
  )
  assert.deepEqual(issued, [
    { tenant: 'beta', by: client, reason: job.reason, job: 'nightly-report' },
  ])
})

test('a tenant that is suspended and one that there is not look alike', async () => {
  for (const id of ['gone', 'absent']) {
    await assert.rejects(plane.jobs.contexts({ ...job, tenants: [tenant(id)] }, await workload()), {
      code: 'not_found',
      message: 'no such active tenant',
    })
  }
})

test('a workload gets nothing of another service, and no scope that it does not have', async () => {
  const by = await workload()
  await assert.rejects(plane.jobs.contexts({ ...job, service: billing }, by), { code: 'forbidden' })
  await assert.rejects(plane.jobs.contexts({ ...job, scopes: ['write'] }, by), {
    code: 'forbidden',
  })
  const refused = { code: 'invalid_argument' }
  await assert.rejects(plane.jobs.contexts({ ...job, seconds: 3601 }, by), refused)
  await assert.rejects(plane.jobs.contexts({ ...job, reason: ' ' }, by), refused)
  await assert.rejects(plane.jobs.contexts({ ...job, scopes: [] }, by), refused)
  await assert.rejects(plane.jobs.contexts({ ...job, job: 'x\n' }, by), refused)
})

test('an operator needs the scope for it', async () => {
  await assert.rejects(plane.jobs.contexts(job, operator('eve', ['tenants:write'])), {
    code: 'forbidden',
  })
  assert.equal((await plane.jobs.contexts(job, jane)).length, 2)
})

test("an assertion counts once, and only with its own client's key for this audience", async () => {
  const refused = { code: 'not_authenticated' }
  const assertion = await signClientAssertion(key, client, AUDIENCE)
  await plane.jobs.authenticate(assertion, 'r')
  await assert.rejects(plane.jobs.authenticate(assertion, 'r'), refused)
  // Not by another control process either, which has never seen it.
  plane = await site.open({
    platform: {
      ...site.options().platform,
      services: [],
      workloads: [{ client, service: clinic, keys: [key.publicJwk], scopes: ['read'] }],
    },
  })
  await assert.rejects(plane.jobs.authenticate(assertion, 'r'), refused)
  for (const forged of [
    await signClientAssertion(otherKey, client, AUDIENCE),
    await signClientAssertion(key, client, 'urn:ringfence:vending'),
    await signClientAssertion(key, parseClientId('nobody'), AUDIENCE),
    'rubbish',
  ]) {
    await assert.rejects(plane.jobs.authenticate(forged, 'r'), refused)
  }
})
