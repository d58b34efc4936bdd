import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test, type TestContext } from 'node:test'
import { parseClientId, parseGrantId, parseServiceName, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { until } from '../core/until.test-support.ts'
import { listen, type Listening } from '../http/listen.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { signContext, type TenantContext } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'
import type { UsageEvent } from '../usage/usage-event.ts'
import { usageIntake } from '../usage/usage-intake.ts'
import type { RingfenceOptions, UsageSettings } from './options.ts'
import { Ringfence } from './ringfence.ts'

const AUDIENCE = 'ringfence-records'
const CLINIC = parseServiceName('clinic')
const [ACME, BETA] = [parseTenantId('acme'), parseTenantId('beta')]
const GRANT = parseGrantId(`gr-${'a'.repeat(20)}`)

let keys: { readonly client: SigningKey; readonly context: SigningKey }
let clientJwk: NonNullable<RingfenceOptions['clientKey']>
const kept = new Map<string, UsageEvent>()
const complete = new Map<string, Date>()
/** What the collector does before it keeps anything. */
let meanwhile: () => Promise<void> = () => Promise.resolve()
let batches = 0
/** How often the collector looked at its clock, and by how much that is wrong. */
let looks = 0
let behindMs = 0

before(async () => {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
  ])
  const { key_ops: _ops, ext: _ext, ...jwk } = await crypto.subtle.exportKey('jwk', pair.privateKey)
  clientJwk = { ...jwk, kid: 'c', alg: 'ES256' } as typeof clientJwk
  keys = {
    client: await SigningKey.fromJwk(clientJwk as object),
    context: await SigningKey.create('ES256'),
  }
})
beforeEach(() => {
  kept.clear()
  complete.clear()
  batches = 0
  meanwhile = () => Promise.resolve()
  looks = 0
  behindMs = 0
})

const app = () =>
  usageIntake({
    audience: AUDIENCE,
    clock: () => {
      looks += 1
      return Date.now() - behindMs
    },
    contextKeys: () => ({
      request: new KeySet([keys.context.publicJwk]),
      job: new KeySet([]),
    }),
    reporterOf: (client) => ({
      kind: 'service',
      client,
      service: CLINIC,
      keys: new KeySet([keys.client.publicJwk]),
    }),
    store: {
      async add(events) {
        await meanwhile()
        batches += 1
        for (const { event } of events) kept.set(event.id, event)
        return events.map(() => 'accepted')
      },
      completeTo: async (sender, time) => void complete.set(sender, time),
    },
  })

let directory: string
let collector: Listening | undefined
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'rf-usage-'))
})
after(async () => {
  await collector?.close()
  rmSync(directory, { recursive: true, force: true })
})

const socket = () => join(directory, 'collector.sock')
const collect = async () => {
  collector = await listen(app().fetch, { socket: socket() })
}
const away = async () => {
  await collector?.close()
  collector = undefined
}

let spools = 0
/** A service, and the spool that another process of it would take over. */
function service(
  t: TestContext,
  spool = join(directory, `spool-${(spools += 1)}`),
  more: Partial<UsageSettings> = {},
) {
  const ringfence = new Ringfence({
    ...{ service: CLINIC, clientId: parseClientId('clinic-web'), clientKey: clientJwk },
    contextKeys: { request: [keys.context.publicJwk], job: [] },
    vending: { address: 'http://127.0.0.1:1', audience: 'nobody' },
    usage: { address: `unix:${socket()}`, audience: AUDIENCE, spool, ...more },
  })
  t.after(() => ringfence.close())
  const context = async (change: Partial<TenantContext> = {}, seconds = 60) =>
    ringfence.verify(
      await signContext(
        keys.context,
        {
          ...{ kind: 'request', tenant: ACME, service: CLINIC, subject: parseSubject('ann') },
          ...{ scopes: ['read'], roles: [], requestId: 'r-1' },
          ...change,
        },
        seconds,
      ),
    )
  return { ringfence, spool, context }
}

const VISIT = { type: 'com.example.visit', data: { n: 1 } } as const

test('usage is recorded for the context’s tenant, by its subject, and sent on', async (t) => {
  await collect()
  t.after(away)
  const { ringfence, context } = service(t)
  await ringfence.recordUsage(await context(), { ...VISIT, id: 'visit-1' })
  await until(() => kept.size === 1)
  const event = kept.get('visit-1')
  assert.equal(event?.tenantid, 'acme')
  assert.equal(event?.source, '/services/clinic')
  assert.equal(event?.subject, 'ann')
  assert.deepEqual(event?.data, { n: 1 })
  await until(() => complete.size === 1)
  assert.match([...complete.keys()][0] ?? '', /^\/services\/clinic\/[0-9a-f-]{36}$/)
})

test('under a grant it is for who pays, as the context says', async (t) => {
  await collect()
  t.after(away)
  const { ringfence, context } = service(t)
  const delegated = await context({
    delegation: {
      grant: GRANT,
      grantee: BETA,
      source: { id: 't', client: 'app', issuedAt: new Date() },
    },
    actor: { subject: parseSubject('bob'), issuer: 'https://id.example/beta' },
    billed: BETA,
  })
  await ringfence.recordUsage(delegated, { ...VISIT, id: 'g' })
  await until(() => kept.size === 1)
  const { tenantid, tenantcontextid, grantid } = kept.get('g') ?? {}
  assert.deepEqual([tenantid, tenantcontextid, grantid], ['beta', 'acme', GRANT])
})

test('while the collector is away it waits on the disk, and the next process sends it', async (t) => {
  const first = service(t)
  const context = await first.context()
  for (let n = 0; n < 20; n += 1)
    await first.ringfence.recordUsage(context, { ...VISIT, id: `w${n}` })
  assert.ok(((await first.ringfence.usageLag())?.bytes ?? 0) > 0)
  await first.ringfence.close()
  assert.equal(kept.size, 0)
  await collect()
  t.after(away)
  service(t, first.spool)
  await until(() => kept.size === 20)
})

test('many tenants’ usage goes together, each by its own context', async (t) => {
  const { ringfence, context } = service(t)
  for (let n = 0; n < 30; n += 1) {
    const tenant = parseTenantId(`tenant-${n}`)
    await ringfence.recordUsage(await context({ tenant }), { ...VISIT, id: `m${n}` })
  }
  await collect()
  t.after(away)
  await until(() => kept.size === 30)
  assert.equal(kept.get('m7')?.tenantid, 'tenant-7')
  // Thirty contexts do not fit in one request, and do not take thirty.
  assert.ok(batches >= 4 && batches < 15, `${batches}`)
})

test('a spool that is full refuses, and takes again when there is room', async (t) => {
  const { ringfence, context } = service(t, undefined, { spoolBytesMax: 40_000 })
  const own = await context()
  let recorded = 0
  await assert.rejects(
    async () => {
      for (;;) {
        await ringfence.recordUsage(own, VISIT)
        recorded += 1
      }
    },
    { code: 'overloaded' },
  )
  assert.ok(recorded > 10)
  await collect()
  t.after(away)
  await until(() => kept.size === recorded)
  await until(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    return ringfence.recordUsage(own, VISIT).then(
      () => true,
      () => false,
    )
  })
})

test('what the collector refuses for good is set aside, and holds up nothing else', async (t) => {
  const { ringfence, context, spool } = service(t)
  const own = await context()
  await ringfence.recordUsage(own, { ...VISIT, id: 'good-1' })
  const long = new Date(Date.now() - 3_600_000)
  await ringfence.recordUsage(own, { ...VISIT, id: 'bad', time: long })
  await ringfence.recordUsage(own, { ...VISIT, id: 'good-2' })
  await collect()
  t.after(away)
  await until(() => kept.size === 2)
  const aside = readFileSync(join(spool, 'refused.ndjson'), 'utf8')
  assert.match(aside, /"reason":"tenantid: .*"id":"bad"/)
  assert.equal(statSync(join(spool, 'refused.ndjson')).mode & 0o777, 0o600)
})

test('what a collector whose clock is behind takes for the future waits until it is right, and is taken', async (t) => {
  behindMs = 3_600_000
  await collect()
  t.after(away)
  const { ringfence, context, spool } = service(t)
  const own = await context()
  await ringfence.recordUsage(own, { ...VISIT, id: 'early' })
  const never = new Date(Date.now() + 400 * 24 * 3_600_000)
  await ringfence.recordUsage(own, { ...VISIT, id: 'never', time: never })
  await until(() => looks > 2)
  assert.equal(kept.size, 0)
  behindMs = 0
  const refused = join(spool, 'refused.ndjson')
  await until(() => kept.has('early') && existsSync(refused) && statSync(refused).size > 0)
  const aside = readFileSync(refused, 'utf8').trimEnd().split('\n')
  assert.equal(aside.length, 1)
  assert.match(aside[0] ?? '', /in the future.*"id":"never"/)
})

test('a collector that asks to wait is waited for', async (t) => {
  let refusals = 0
  meanwhile = async () => {
    refusals += 1
    if (refusals < 3) {
      const { RingfenceError } = await import('../core/errors.ts')
      throw new RingfenceError('overloaded', 'later')
    }
  }
  await collect()
  t.after(away)
  const { ringfence, context } = service(t)
  await ringfence.recordUsage(await context(), { ...VISIT, id: 'late' })
  await until(() => kept.size === 1)
  assert.equal(refusals, 3)
})

test('nothing is recorded for a context that was not verified here, nor what no collector takes', async (t) => {
  const { ringfence, context } = service(t)
  const own = await context()
  await assert.rejects(ringfence.recordUsage({ ...own }, VISIT), { code: 'invalid_token' })
  const other = await service(t).context()
  await assert.rejects(ringfence.recordUsage(other, VISIT), { code: 'invalid_token' })
  for (const usage of [
    { type: 'Not A Type' },
    { ...VISIT, data: { n: Number.NaN } },
    { ...VISIT, data: { n: 1e300 } },
    { ...VISIT, id: '' },
    { ...VISIT, id: 'a\u0000b' },
    { ...VISIT, time: new Date(Number.NaN) },
  ]) {
    await assert.rejects(ringfence.recordUsage(own, usage), { code: 'invalid_argument' })
  }
  const none = new Ringfence({
    ...{ service: CLINIC, clientId: 'clinic-web', clientKey: clientJwk },
    contextKeys: { request: [], job: [] },
    vending: { address: 'http://127.0.0.1:1', audience: 'nobody' },
  })
  await assert.rejects(none.recordUsage(own, VISIT), { code: 'invalid_argument' })
  await none.close()
})
