import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Hono } from 'hono'
import { RingfenceError } from '../src/core/errors.ts'
import { openDecisionPoint } from '../src/policy/open-decision-point.ts'
import {
  ACME,
  CLINIC_STORE,
  configurationOf,
  context,
  DECISIONS,
  GLOBEX,
  keys,
  published,
} from '../src/policy/policy-site.test-support.ts'
import { requires, tenantMiddleware } from '../src/sdk/hono.ts'
import { Ringfence } from '../src/sdk/ringfence.ts'

const directory = mkdtempSync(join(tmpdir(), 'rf-decisions-'))
const socket = join(directory, 'decisions')
const lines: string[] = []
const configuration = configurationOf({ acme: published(CLINIC_STORE, ACME) })
let point: Awaited<ReturnType<typeof openDecisionPoint>>

const sdk = (address = `unix:${socket}`) =>
  new Ringfence({
    service: 'clinic',
    clientId: 'clinic-web',
    clientKey: keys.workloadKey.privateJwk,
    contextKeys: {
      request: [keys.contextKey.publicJwk],
      job: [keys.jobKey.publicJwk],
    },
    vending: { address: 'unix:/nowhere', audience: 'ringfence-vending' },
    decisions: { address, audience: DECISIONS },
  })

before(async () => {
  point = await openDecisionPoint({
    audience: DECISIONS,
    listen: { socket },
    source: { current: () => configuration, onChange: () => undefined },
    revocations: { revokes: () => false },
    log: (line) => lines.push(line),
  })
})
after(async () => {
  await point.close()
  rmSync(directory, { recursive: true })
})

const record = (owner: string) => ({
  type: 'Clinic::Record',
  id: '17',
  properties: { owner: { type: 'User', id: owner }, seen: '2024-01-01' },
})

test('a service asks its tenant’s policies, and asks once for one question', async () => {
  const ringfence = sdk()
  const ada = await ringfence.verify(await context(ACME))
  const before = lines.length
  const sign = { action: 'sign', resource: record('ada') }
  assert.equal(await ringfence.allows(ada, sign), true)
  assert.equal(await ringfence.allows(ada, sign), true)
  assert.equal(lines.length, before + 1)
  // Another context, another resource and another action are other questions.
  assert.equal(await ringfence.allows(ada, { ...sign, resource: record('bob') }), false)
  assert.equal(await ringfence.allows(ada, { ...sign, action: 'burn' }), false)
  const again = await ringfence.verify(await context(ACME))
  assert.equal(await ringfence.allows(again, sign), true)
  assert.equal(lines.length, before + 4)
  await assert.rejects(ringfence.authorize(ada, { ...sign, action: 'burn' }), { code: 'forbidden' })
  await ringfence.close()
})

test('what one tenant is allowed is not remembered for another', async () => {
  const ringfence = sdk()
  const sign = { action: 'sign', resource: record('ada') }
  const ofAcme = await ringfence.verify(await context(ACME))
  const ofGlobex = await ringfence.verify(await context(GLOBEX))
  assert.equal(await ringfence.allows(ofAcme, sign), true)
  assert.equal(await ringfence.allows(ofGlobex, sign), false)
  assert.equal(await ringfence.allows(ofGlobex, { ...sign, withoutPolicies: 'allow' }), true)
  await ringfence.close()
})

test('nobody who decides is nobody who allows', async () => {
  const ringfence = sdk('unix:/nowhere')
  const ada = await ringfence.verify(await context(ACME))
  const sign = { action: 'sign', resource: record('ada'), withoutPolicies: 'allow' } as const
  await assert.rejects(ringfence.allows(ada, sign), { code: 'engine_unavailable' })
  // What only looks like a context asks nothing.
  await assert.rejects(ringfence.allows({ ...ada }, sign), { code: 'invalid_token' })
  await ringfence.close()
})

test('a route that requires something is for those who are allowed it', async () => {
  const ringfence = sdk()
  const app = new Hono().use(tenantMiddleware(ringfence)).post(
    '/records/:owner/sign',
    requires(ringfence, 'sign', (c) => {
      const owner = c.req.param('owner') ?? ''
      if (owner === 'nobody') throw new RingfenceError('not_found', 'no such record')
      return record(owner)
    }),
    (c) => c.text('signed'),
  )
  const ask = async (owner: string) =>
    app.request(`/records/${owner}/sign`, {
      method: 'POST',
      headers: { 'ringfence-context': await context(ACME) },
    })
  assert.equal(await (await ask('ada')).text(), 'signed')
  assert.equal((await ask('bob')).status, 403)
  assert.equal((await ask('nobody')).status, 404)
  await ringfence.close()
})
