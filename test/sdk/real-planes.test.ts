import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import {
  startTestSite,
  type TestSite,
} from '../../src/boundaries/postgres/test-site.test-support.ts'
import { controlApi } from '../../src/control/api/control-api.ts'
import { MemoryPlane } from '../../src/control/api/memory-plane.test-support.ts'
import type { ControlPlane } from '../../src/control/control-plane.ts'
import { RingfenceError } from '../../src/core/errors.ts'
import { parseClientId, parseServiceName, parseSubject } from '../../src/core/names.ts'
import { parseTenantId } from '../../src/core/tenant.ts'
import { listen, type Listening } from '../../src/http/listen.ts'
import { Ringfence } from '../../src/sdk/ringfence.ts'
import { UsedAssertions, verifyClientAssertion } from '../../src/tokens/client-assertion.ts'
import { MemoryRevocations } from '../../src/revocation/memory-revocations.test-support.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'
import { signContext } from '../../src/tokens/tenant-context.ts'
import { KeySet } from '../../src/tokens/verify-token.ts'
import { FixedConfiguration } from '../../src/vending/fixed-configuration.test-support.ts'
import { openVending, type Vending } from '../../src/vending/vending.ts'

const SERVICE = parseServiceName('clinic')
const CLIENT = parseClientId('clinic-web')
const ACME = parseTenantId('acme')
const GLOBEX = parseTenantId('globex')

const keys = {
  gateway: await SigningKey.create('ES256'),
  control: await SigningKey.create('EdDSA'),
  workload: await SigningKey.create('EdDSA'),
}

/** Job contexts as the control plane signs them, behind the real API. */
class SigningPlane extends MemoryPlane {
  readonly #used = new UsedAssertions()

  override readonly jobs: ControlPlane['jobs'] = {
    authenticate: async (assertion, requestId) => {
      const registered = new KeySet([keys.workload.publicJwk])
      const name = await verifyClientAssertion(
        assertion,
        'ringfence-control',
        () => registered,
        this.#used,
      )
      return { kind: 'workload', name, scopes: [], requestId, service: SERVICE }
    },
    contexts: async ({ job, scopes, seconds }) =>
      Promise.all(
        [ACME, GLOBEX].map(async (tenant) => ({
          tenant,
          token: await signContext(
            keys.control,
            {
              ...{ kind: 'job', tenant, service: SERVICE, scopes, roles: [] },
              ...{ subject: parseSubject(`job:${job}`), requestId: 'run-1' },
            },
            seconds,
          ),
          expiresAt: new Date(Date.now() + seconds * 1_000),
        })),
      ),
  }
}

let site: TestSite
let directory: string
let configuration: FixedConfiguration
let vending: Vending
let ringfence: Ringfence
const listening: Listening[] = []

before(async () => {
  site = await startTestSite()
  directory = await mkdtemp(join(tmpdir(), 'rf-planes-'))
  for (const tenant of [ACME, GLOBEX]) await site.provision(tenant)
  configuration = new FixedConfiguration(
    {
      audience: 'https://api.test/',
      contextKeys: [keys.gateway.publicJwk],
      jobKeys: [keys.control.publicJwk],
      services: [{ name: SERVICE, upstream: 'http://127.0.0.1:1', prefix: '/' }],
      workloads: [
        {
          ...{ client: CLIENT, service: SERVICE, scopes: ['read', 'write'] },
          keys: [keys.workload.publicJwk],
        },
      ],
      plans: [
        { name: 'standard', requestsPerMinute: 900, leasesPerMinute: 900, leaseSecondsMax: 600 },
      ],
    },
    [ACME, GLOBEX].map((id) => ({
      ...{ id, status: 'active', tier: 'pooled', region: 'eu-west', cell: 'test-cell' },
      ...{ plan: 'standard', issuer: `https://id.test/realms/${id}`, keys: [], hosts: [] },
    })),
  )
  vending = await openVending({
    ...{ audience: 'ringfence-vending', configuration },
    revocations: new MemoryRevocations(),
    leaserOf: () => site.boundary,
    journal: { directory: join(directory, 'journal') },
    log: () => {},
  })
  const api = controlApi(new SigningPlane(), { version: '0.0.0' })
  listening.push(
    await listen(vending.app.fetch, { socket: join(directory, 'vending.sock') }),
    await listen((request) => api.fetch(request), { socket: join(directory, 'control.sock') }),
  )
  const [vendingAt, controlAt] = listening
  ringfence = new Ringfence({
    ...{ service: SERVICE, clientId: CLIENT, clientKey: keys.workload.privateJwk },
    contextKeys: { request: [keys.gateway.publicJwk], job: [keys.control.publicJwk] },
    vending: { address: vendingAt?.url ?? '', audience: 'ringfence-vending' },
    control: { address: controlAt?.url ?? '', audience: 'ringfence-control' },
  })
})
after(async () => {
  await ringfence?.close()
  for (const each of listening) await each.close()
  await vending?.close()
  await site?.stop()
  if (directory !== undefined) await rm(directory, { recursive: true, force: true })
})

async function contextOf(tenant: typeof ACME) {
  const token = await signContext(
    keys.gateway,
    {
      ...{ kind: 'request', tenant, service: SERVICE, scopes: ['read', 'write'], roles: [] },
      ...{ subject: parseSubject('ada'), requestId: 'request-1' },
    },
    60,
  )
  return ringfence.verify(token)
}
const bodiesOf = async (db: pg.ClientBase) =>
  (await db.query<{ body: string }>('select body from notes.note')).rows.map(({ body }) => body)
const add = (body: string) => (db: pg.ClientBase) =>
  db.query('insert into notes.note (body) values ($1)', [body])

test('a context becomes a session in its tenant’s data, through vending itself', async () => {
  for (const tenant of [ACME, GLOBEX]) {
    await ringfence.transaction(await contextOf(tenant), add(`of ${tenant}`))
  }
  assert.deepEqual(await ringfence.withTenant(await contextOf(ACME), bodiesOf), ['of acme'])
  assert.deepEqual(await ringfence.withTenant(await contextOf(GLOBEX), bodiesOf), ['of globex'])
})

test('a lease that ended behind vending’s back is replaced, though vending still has it in hand', async () => {
  await ringfence.withTenant(await contextOf(ACME), bodiesOf)
  await site.boundary.revoke(ACME)
  assert.deepEqual(await ringfence.withTenant(await contextOf(ACME), bodiesOf), ['of acme'])
})

test('a job works on every tenant with contexts from the control API, and with their scopes alone', async () => {
  const job = { job: 'count', reason: 'for the test', scopes: ['read'] as const }
  const report = await ringfence.forEachTenant(job, bodiesOf)
  assert.deepEqual(
    report.outcomes.map((outcome) => (outcome.state === 'done' ? outcome.value : outcome)),
    [['of acme'], ['of globex']],
  )
  const writing = await ringfence.forEachTenant(job, add('by the job'))
  assert.equal(writing.failed, 2)
})

test('a job that the control API does not take is refused', async () => {
  const refused = ringfence.forEachTenant(
    { job: 'No Such Name', reason: 'for the test', scopes: ['read'] },
    bodiesOf,
  )
  await assert.rejects(refused, { code: 'invalid_argument' })
})

test('writes wait while the tenant’s write pause lasts, and then go through', async () => {
  configuration.change(ACME, { status: 'paused' })
  await vending.settled()
  assert.deepEqual(await ringfence.withTenant(await contextOf(ACME), bodiesOf), ['of acme'])
  const fresh = new Ringfence({
    ...{ service: SERVICE, clientId: CLIENT, clientKey: keys.workload.privateJwk },
    contextKeys: { request: [keys.gateway.publicJwk], job: [] },
    vending: { address: listening[0]?.url ?? '', audience: 'ringfence-vending' },
  })
  const token = await signContext(
    keys.gateway,
    {
      ...{ kind: 'request', tenant: ACME, service: SERVICE, scopes: ['write'], roles: [] },
      ...{ subject: parseSubject('ada'), requestId: 'request-2' },
    },
    60,
  )
  const writing = fresh.transaction(await fresh.verify(token), add('after the pause'))
  setTimeout(() => configuration.change(ACME, { status: 'active' }), 200)
  await writing
  await fresh.close()
  assert.ok(
    (await ringfence.withTenant(await contextOf(ACME), bodiesOf)).includes('after the pause'),
  )
})

test('a suspended tenant is served no more, as if its contexts were not valid', async () => {
  const before = await contextOf(GLOBEX)
  await ringfence.withTenant(before, bodiesOf)
  configuration.change(GLOBEX, { status: 'suspended' })
  await vending.settled()
  for (const context of [before, await contextOf(GLOBEX)]) {
    await assert.rejects(
      ringfence.withTenant(context, bodiesOf),
      (error) => error instanceof RingfenceError && error.code === 'invalid_token',
    )
  }
  assert.ok((await ringfence.withTenant(await contextOf(ACME), bodiesOf)).includes('of acme'))
})
