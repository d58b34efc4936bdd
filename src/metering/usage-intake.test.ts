import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseClientId, parseGrantId, parseServiceName, parseSubject } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import { signClientAssertion } from '../tokens/client-assertion.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { signContext, type TenantContext } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'
import { COMPLETE_HEADER, SPOOL_HEADER } from '../usage/usage-intake.ts'
import type { Metering } from './open-metering.ts'
import {
  ACME,
  BETA,
  type MeteringSite,
  meteringSite,
  usageEvent,
} from './metering-site.test-support.ts'

const AUDIENCE = 'ringfence-records'
const BATCH = 'application/cloudevents-batch+json'
const CLINIC = parseServiceName('clinic')
const MINUTE_MS = 60_000

let site: MeteringSite
let metering: Metering
let keys: Record<'gateway' | 'clinic-web' | 'shop-web' | 'context' | 'other' | 'job', SigningKey>
/** Of the intake: tests move it. */
let nowMs = Date.now()

before(async () => {
  site = await meteringSite()
  const made = await Promise.all([1, 2, 3, 4, 5, 6].map(() => SigningKey.create('ES256')))
  const [gateway, clinic, shop, context, other, job] = made
  assert.ok(gateway && clinic && shop && context && other && job)
  keys = { gateway, 'clinic-web': clinic, 'shop-web': shop, context, other, job }
  const setOf = (key: SigningKey) => new KeySet([key.publicJwk])
  metering = await site.open({
    intake: {
      audience: AUDIENCE,
      clock: () => nowMs,
      eventsPerSecond: 2_000,
      contextKeys: () => ({ request: setOf(context), job: setOf(job) }),
      reporterOf(client) {
        if (client === 'gateway') return { kind: 'plane', client, keys: setOf(gateway) }
        if (client === 'clinic-web') {
          return { kind: 'service', client, service: CLINIC, keys: setOf(clinic) }
        }
        if (client !== 'shop-web') return undefined
        return { kind: 'service', client, service: parseServiceName('shop'), keys: setOf(shop) }
      },
    },
  })
})
after(() => site.close())

const contextOf = (tenant: TenantId, more: Partial<TenantContext> = {}, key = keys.context) =>
  signContext(
    key,
    {
      kind: 'request',
      tenant,
      service: CLINIC,
      subject: parseSubject('ann'),
      scopes: ['read'],
      roles: [],
      requestId: 'r-1',
      ...more,
    },
    60,
  )

interface Post {
  readonly as?: string
  readonly key?: SigningKey
  readonly assertion?: string
  readonly contexts?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

async function post({ as = 'clinic-web', key, assertion, contexts, headers, body }: Post) {
  const signer = key ?? keys[as as keyof typeof keys] ?? keys.other
  const bearer = assertion ?? (await signClientAssertion(signer, parseClientId(as), AUDIENCE))
  const response = await metering.app?.request('/v1/usage/events', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bearer}`,
      'content-type': BATCH,
      ...(contexts === undefined ? {} : { 'ringfence-context': contexts.join(', ') }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  assert.ok(response)
  const answer = (await response.json()) as {
    readonly code?: string
    readonly accepted?: number
    readonly duplicates?: number
    readonly events?: readonly { readonly index: number; readonly reason: string }[]
  }
  return { status: response.status, headers: response.headers, answer }
}

const count = async () => {
  const { rows } = await site.asked.query<{ n: number }>('select count(*)::int n from usage.event')
  return rows[0]?.n ?? 0
}
const plain = (more: object = {}) => JSON.parse(JSON.stringify(usageEvent(more))) as object

/** Refused as a whole, and nothing kept. */
async function refused(what: Post, status: number, reason?: RegExp): Promise<void> {
  const before = await count()
  const { status: answered, answer } = await post(what)
  assert.equal(answered, status, JSON.stringify(answer))
  if (reason !== undefined) assert.match(answer.events?.[0]?.reason ?? '', reason)
  assert.equal(await count(), before)
}

test('a service reports for the tenant of its context: single, in a batch, and in binary mode', async () => {
  const contexts = [await contextOf(ACME)]
  const batch = await post({ contexts, body: [plain(), plain()] })
  assert.equal(batch.status, 202)
  assert.equal(batch.answer.accepted, 2)
  const type = { 'content-type': 'application/cloudevents+json; charset=UTF-8' }
  const single = await post({ contexts, headers: type, body: plain() })
  assert.equal(single.answer.accepted, 1)
  const { specversion, id, source, time, type: kind, tenantid } = usageEvent({ id: 'ü "1"' })
  const binary = {
    ...{ 'ce-specversion': specversion, 'ce-id': encodeURIComponent(id), 'ce-source': source },
    ...{ 'ce-time': time, 'ce-type': `"${kind}"`, 'ce-tenantid': tenantid },
    'content-type': 'application/json',
  }
  const sent = { contexts, headers: binary, body: { n: 1 } }
  assert.equal((await post(sent)).answer.accepted, 1)
  assert.equal((await post(sent)).answer.duplicates, 1)
  const { rows } = await site.asked.query(`select data from usage.event where id = 'ü "1"'`)
  assert.deepEqual(rows, [{ data: { n: 1 } }])
})

test('a service reports for no other tenant than those of its contexts, and without one for none', async () => {
  const acme = await contextOf(ACME)
  const theirs = plain({ tenantid: BETA })
  await refused({ contexts: [acme], body: [plain(), theirs] }, 400, /^tenantid/)
  await refused({ body: [plain()] }, 400, /^tenantid/)
  const both = await post({ contexts: [acme, await contextOf(BETA)], body: [plain(), theirs] })
  assert.equal(both.answer.accepted, 2)
})

test('a context that is forged, another service’s, or a tenant’s access token opens nothing', async () => {
  const shop = { service: parseServiceName('shop') }
  for (const context of [
    await contextOf(ACME, {}, keys.other),
    await contextOf(ACME, shop),
    await contextOf(ACME, { kind: 'job' }),
    'x.y.z',
  ]) {
    await refused({ contexts: [context], body: [plain()] }, 400, /^tenantid/)
  }
  const many = await Promise.all(Array.from({ length: 9 }, () => contextOf(ACME)))
  await refused({ contexts: many, body: [plain()] }, 400)
})

test('a plane reports for any tenant, as itself', async () => {
  const source = '/ringfence/gateway/g1'
  const body = [plain({ source }), plain({ source, tenantid: BETA })]
  assert.equal((await post({ as: 'gateway', body })).answer.accepted, 2)
  await refused({ as: 'gateway', body: [plain()] }, 400, /^source/)
})

test('nobody reports, corrects or voids under another’s source', async () => {
  const contexts = [await contextOf(ACME)]
  for (const source of [
    '/ringfence/gateway',
    '/services/shop',
    '/services/clinic2',
    'clinic',
    '/',
  ]) {
    await refused({ contexts, body: [plain({ source })] }, 400, /^source/)
  }
  for (const how of ['corrects', 'voids']) {
    const body = [plain({ [how]: '/ringfence/gateway/g1 request-1' })]
    await refused({ contexts, body }, 400, new RegExp(`^${how}`))
  }
})

test('who pays under a grant says the context, and neither the service nor the event', async () => {
  const grant = parseGrantId(`gr-${'a'.repeat(20)}`)
  const delegation = {
    grant,
    grantee: BETA,
    source: { id: 't-1', client: 'app', issuedAt: new Date() },
  }
  const actor = { subject: parseSubject('bob'), issuer: 'https://id.example/t/beta' }
  const context = await contextOf(ACME, { delegation, actor, billed: BETA })
  const said = { grantid: grant, tenantcontextid: ACME }
  const good = plain({ ...said, tenantid: BETA })
  assert.equal((await post({ contexts: [context], body: [good] })).answer.accepted, 1)
  for (const wrong of [
    plain({ ...said, tenantid: ACME }),
    plain({ tenantid: BETA }),
    plain({ ...said, tenantid: BETA, grantid: 'gr-other' }),
    plain({ ...said, tenantid: BETA, tenantcontextid: BETA }),
  ]) {
    await refused({ contexts: [context], body: [wrong] }, 400, /^tenantid/)
  }
  // And a tenant's own call is not passed on to another.
  const own = await contextOf(ACME)
  await refused({ contexts: [own], body: [plain({ ...said, tenantid: ACME })] }, 400, /^tenantid/)
})

test('an event that waited is taken by the context of its time, and no context covers another time', async () => {
  const context = await contextOf(ACME)
  // By the clock that the context was issued by: the site's own stands still since it was opened.
  const then = Date.now()
  const before = nowMs
  const waited = plain({ time: new Date(then).toISOString() })
  const later = plain({ time: new Date(then + 10 * MINUTE_MS).toISOString() })
  const earlier = plain({ time: new Date(then - 10 * MINUTE_MS).toISOString() })
  nowMs = then + 3 * 60 * MINUTE_MS
  try {
    assert.equal((await post({ contexts: [context], body: [waited] })).answer.accepted, 1)
    await refused({ contexts: [context], body: [later] }, 400, /^tenantid/)
    await refused({ contexts: [context], body: [earlier] }, 400, /^tenantid/)
  } finally {
    nowMs = before
  }
})

test('an assertion that is forged, another’s, unknown or used before opens nothing', async () => {
  const contexts = [await contextOf(ACME)]
  const body = [plain()]
  await refused({ contexts, body, key: keys['shop-web'] }, 401)
  await refused({ contexts, body, as: 'nobody', key: keys.other }, 401)
  await refused({ contexts, body, assertion: '' }, 401)
  const elsewhere = await signClientAssertion(
    keys['clinic-web'],
    parseClientId('clinic-web'),
    'ringfence-vending',
  )
  await refused({ contexts, body, assertion: elsewhere }, 401)
  const once = await signClientAssertion(keys['clinic-web'], parseClientId('clinic-web'), AUDIENCE)
  assert.equal((await post({ contexts, body, assertion: once })).status, 202)
  await refused({ contexts, body: [plain()], assertion: once }, 401)
})

test('a replayed event counts once, whoever replays it and in whatever form', async () => {
  const event = plain()
  const before = await count()
  for (let n = 0; n < 3; n += 1) {
    const headers = n === 1 ? { 'content-type': 'application/cloudevents+json' } : {}
    const contexts = [await contextOf(ACME)]
    const { status } = await post({ contexts, headers, body: n === 1 ? event : [event, event] })
    assert.equal(status, 202)
  }
  assert.equal(await count(), before + 1)
})

test('numbers that no bill can hold, depths, oddities and times of another life are refused, by name', async () => {
  const contexts = [await contextOf(ACME)]
  const time = (ms: number) => plain({ time: new Date(nowMs + ms).toISOString() })
  const raw = (data: string) =>
    JSON.stringify([plain({ data: { n: 'HERE' } })]).replace('"HERE"', data)
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  for (const [body, reason] of [
    [[time(6 * MINUTE_MS)], /^time: it is in the future/],
    [[time(-36 * 24 * 60 * MINUTE_MS)], /^time: it is too long ago/],
    [raw('1e400'), /^data\.n/],
    [raw('1e16'), /^data\.n/],
    [raw('-1e16'), /^data\.n/],
    [raw('{"a":1}'), /^data\.n/],
    [raw(deep), /^data\.n/],
    [raw('"\\u0000"'), /^data\.n/],
    [raw('"\\ud800"'), /^data\.n/],
    [[{ ...plain(), id: 'a\nb' }], /^id/],
    [[{ ...plain(), id: '' }], /^id/],
    [[{ ...plain(), id: 'x'.repeat(257) }], /^id/],
    [[{ ...plain(), source: '/services/clinic a' }], /^source/],
    [[{ ...plain(), specversion: '0.3' }], /^specversion/],
    [[{ ...plain(), time: 'yesterday' }], /^time/],
    [[{ ...plain(), time: '0001-01-01T00:00:00Z' }], /^time/],
    [[{ ...plain(), tenantid: '../beta' }], /^tenantid/],
    [[{ ...plain(), extra: 1 }], /^event: /],
    [[{ ...plain(), __proto__: null, data: [1] }], /^data/],
    [[null], /^event/],
    [['text'], /^event/],
  ] as const) {
    await refused({ contexts, body }, 400, reason)
  }
  for (const body of ['NaN', '{"n":NaN}', '', '[', '{}']) await refused({ contexts, body }, 400)
  const none = { 'content-type': 'text/plain' }
  await refused({ contexts, headers: none, body: [plain()] }, 415)
  await refused({ contexts, body: ' '.repeat(1024 * 1024 + 1) }, 413)
  await refused({ contexts, body: Array.from({ length: 1_001 }, () => 1) }, 413)
})

test('a refusal says which of the events, and repeats no value', async () => {
  const contexts = [await contextOf(ACME)]
  const secret = 'a-value-of-somebody'
  const body = [plain(), { ...plain(), [secret]: secret }, plain({ tenantid: BETA })]
  const { answer } = await post({ contexts, body })
  assert.deepEqual(
    answer.events?.map(({ index }) => index),
    [1, 2],
  )
  assert.ok(!JSON.stringify(answer.events?.map(({ reason }) => reason)).includes('beta'))
})

test('who sends too much is told to come later, by himself, and nothing of it is kept', async () => {
  const contexts = [await contextOf(ACME)]
  const batch = () => Array.from({ length: 1_000 }, () => plain())
  nowMs += 10_000
  assert.equal((await post({ contexts, body: batch() })).status, 202)
  assert.equal((await post({ contexts, body: batch() })).status, 202)
  const before = await count()
  const third = await post({ contexts, body: batch() })
  assert.equal(third.status, 429)
  assert.ok(Number(third.headers.get('retry-after')) >= 1)
  assert.equal(await count(), before)
  const source = '/ringfence/gateway/g1'
  assert.equal((await post({ as: 'gateway', body: [plain({ source })] })).status, 202)
  nowMs += 10_000
  assert.equal((await post({ contexts, body: batch() })).status, 202)
})

test('a sender’s word on what is still to come is its own, and of no time that has not come', async () => {
  const said = (spool: string, time: Date) => ({
    [SPOOL_HEADER]: spool,
    [COMPLETE_HEADER]: time.toISOString(),
  })
  const ahead = new Date(nowMs + 3_600_000)
  assert.equal((await post({ headers: said('a', ahead), body: [] })).status, 202)
  const { rows } = await site.asked.query<{ sender: string; complete_to: Date }>(
    "select sender, complete_to from usage.sender where sender like '/services/%'",
  )
  assert.deepEqual(rows, [{ sender: '/services/clinic/a', complete_to: new Date(nowMs) }])
  for (const headers of [
    said('../../ringfence/gateway/a', ahead),
    { [SPOOL_HEADER]: 'a' },
    { [COMPLETE_HEADER]: ahead.toISOString() },
    { [SPOOL_HEADER]: 'a', [COMPLETE_HEADER]: 'soon' },
  ]) {
    await refused({ headers, body: [] }, 400)
  }
})

test('when the database is away, nobody is told that anything was kept', async () => {
  const own = await meteringSite()
  const away = await own.open()
  await own.cluster.stop()
  await assert.rejects(
    away.store.add([{ event: usageEvent(), reporter: 'clinic-web' }]),
    (error: { code?: string }) => ['engine_unavailable', 'timed_out'].includes(error.code ?? ''),
  )
  await own.close()
})
