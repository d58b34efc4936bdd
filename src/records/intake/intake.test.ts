import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import pg from 'pg'
import { type AuditEntry, logOf } from '../../audit/entry.ts'
import { JOURNAL_PATH, NDJSON } from '../../audit/journal-sender.ts'
import { makeEntry } from '../../audit/make-entry.ts'
import { submitEntries } from '../../audit/submit-entries.ts'
import { parseClientId } from '../../core/names.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { until } from '../../core/until.test-support.ts'
import { lineText } from '../../journal/journal-line.ts'
import { signClientAssertion } from '../../tokens/client-assertion.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import type { ReceivedEvent } from '../../usage/usage-store.ts'
import { type IntakeSite, startIntakeSite } from './intake-site.test-support.ts'
import { MemoryLogs } from './memory-logs.test-support.ts'
import { type Intake, openIntake } from './open-intake.ts'

const AUDIENCE = 'ringfence-records'
const GATEWAY = parseClientId('ringfence-gateway')
const key = await SigningKey.create('EdDSA')
const stranger = await SigningKey.create('EdDSA')

let site: IntakeSite
let actor: pg.Client
let logs: MemoryLogs
let intake: Intake
let used: ReceivedEvent[]
let complete: { readonly sender: string; readonly time: Date }[]

before(async () => {
  site = await startIntakeSite()
  actor = new pg.Client(site.actor)
  await actor.connect()
})
after(async () => {
  await actor?.end()
  await site?.stop()
})
beforeEach(async () => {
  logs = new MemoryLogs()
  used = []
  complete = []
  intake = await openIntake({
    database: site.records,
    audience: AUDIENCE,
    planes: () => [
      { client: GATEWAY, keys: new KeySet([key.publicJwk]), categories: ['decision'] },
    ],
    logs,
    usage: {
      add: async (events) => {
        used.push(...events)
        return events.map(() => 'accepted' as const)
      },
      completeTo: async (sender, time) => void complete.push({ sender, time }),
    },
    log: () => {},
  })
})
afterEach(async () => {
  await intake.close()
  await site.ask('truncate audit.inbox, records.intake_source, records.intake_quarantine')
})

const denial = (tenant?: string, category: AuditEntry['category'] = 'decision') =>
  makeEntry({
    ...(tenant === undefined ? {} : { tenant: parseTenantId(tenant) }),
    category,
    action: 'request.denied',
    actor: { kind: 'unknown', id: 'unknown' },
    decision: 'denied',
    layer: 'token-signature',
  })
const line = (entry: AuditEntry) => lineText({ kind: 'audit', value: entry })
const ids = (entries: readonly AuditEntry[]) => entries.map(({ id }) => id)

async function send(
  body: string,
  headers: Record<string, string | undefined> = {},
): Promise<Response> {
  const all = {
    authorization: `Bearer ${await signClientAssertion(key, GATEWAY, AUDIENCE)}`,
    'content-type': NDJSON,
    'ringfence-source': 'one',
    ...headers,
  }
  const given = Object.entries(all).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  return intake.app.request(JOURNAL_PATH, { method: 'POST', body, headers: given })
}

describe('journals', () => {
  test('a batch is answered when all of it is in its logs, and again without doubling it', async () => {
    const entries = [denial('acme'), denial(), denial('globex')]
    const body = entries.map(line).join('')
    for (let turn = 0; turn < 2; turn += 1) assert.equal((await send(body)).status, 204)
    assert.deepEqual(ids(logs.entered), ids(entries))
  })

  test('a source says up to when it is complete, and never goes back', async () => {
    const time = '2026-01-02T03:04:05.678Z'
    assert.equal((await send('', { 'ringfence-complete-to': time })).status, 204)
    await send('', { 'ringfence-complete-to': '2025-01-01T00:00:00.000Z' })
    const [state] = (await intake.state()).sources
    assert.equal(state?.source, 'ringfence-gateway/one')
    assert.equal(state.completeTo?.toISOString(), time)
    assert.equal(complete[0]?.sender, 'ringfence-gateway/one')
    await intake.forget('ringfence-gateway/one')
    assert.deepEqual((await intake.state()).sources, [])
  })

  test('a source whose clock is ahead is taken, and is complete up to now at the most', async () => {
    const entry = denial('acme')
    const headers = { 'ringfence-complete-to': '2999-01-01T00:00:00.000Z' }
    assert.equal((await send(line(entry), headers)).status, 204)
    assert.deepEqual(ids(logs.entered), [entry.id])
    const [state] = (await intake.state()).sources
    assert.ok((state?.completeTo?.getTime() ?? Infinity) <= Date.now())
    assert.equal(complete[0]?.time.getTime(), state?.completeTo?.getTime())
    await intake.forget('ringfence-gateway/one')
  })

  test('nobody else sends: no assertion, another’s key, another audience, one that was used', async () => {
    const body = line(denial('acme'))
    const assertion = await signClientAssertion(key, GATEWAY, AUDIENCE)
    const bad = [
      undefined,
      'Bearer e30.e30.e30',
      `Bearer ${await signClientAssertion(stranger, GATEWAY, AUDIENCE)}`,
      `Bearer ${await signClientAssertion(key, GATEWAY, 'ringfence-vending')}`,
      `Bearer ${await signClientAssertion(key, parseClientId('ringfence-other'), AUDIENCE)}`,
    ]
    for (const authorization of bad) assert.equal((await send(body, { authorization })).status, 401)
    const authorization = `Bearer ${assertion}`
    assert.equal((await send('', { authorization })).status, 204)
    assert.equal((await send(body, { authorization })).status, 401)
    assert.deepEqual(logs.entered, [])
  })

  test('what is too long, torn, no text or of another type is refused whole', async () => {
    const body = line(denial('acme'))
    assert.equal((await send('x'.repeat(2 * 1024 * 1024 + 1))).status, 413)
    assert.equal((await send(body.slice(0, -1))).status, 400)
    assert.equal((await send(body, { 'content-type': 'application/json' })).status, 415)
    assert.equal((await send(body, { 'ringfence-source': '../x' })).status, 400)
    assert.equal((await send(body, { 'ringfence-complete-to': 'tomorrow' })).status, 400)
    assert.deepEqual(logs.entered, [])
  })

  test('a line that no log takes is kept aside once, and holds up no other', async () => {
    const good = denial('acme')
    const body = [
      'nonsense\n',
      lineText({ kind: 'audit', value: { id: 'x' } }),
      lineText({ kind: 'own', value: {} }),
      // With the gateway's key nobody forges what the gateway has no hand in.
      line(denial('acme', 'support')),
      line(good),
    ].join('')
    for (let turn = 0; turn < 2; turn += 1) assert.equal((await send(body)).status, 204)
    assert.deepEqual(ids(logs.entered), [good.id])
    assert.equal((await intake.state()).quarantined, 4)
  })

  test('usage goes to its store under the plane’s own name, and another’s source does not', async () => {
    const event = (source: string) =>
      lineText({
        kind: 'usage',
        value: {
          specversion: '1.0',
          id: 'r-1',
          source,
          type: 'dev.ringfence.request',
          time: '2026-01-02T03:04:05Z',
          tenantid: 'acme',
        },
      })
    await send(event(`/ringfence/${GATEWAY}/one`) + event('/services/clinic'))
    assert.equal(used.length, 1)
    assert.equal(used[0]?.reporter, GATEWAY)
    assert.equal((await intake.state()).quarantined, 1)
  })

  test('a log that is away holds up no other: its entries wait in the inbox until it is back', async () => {
    const entries = [denial('acme'), denial('globex')]
    logs.away.add(logOf(parseTenantId('acme')))
    assert.equal((await send(entries.map(line).join(''))).status, 204)
    assert.deepEqual(ids(logs.entered), [entries[1]?.id])
    assert.equal((await intake.state()).inbox.entries, 1)
    logs.away.clear()
    await until(() => logs.entered.length === 2)
  })
})

describe('the inbox', () => {
  test('what is committed is moved, what is rolled back is not, and then the inbox is empty', async () => {
    const [kept, gone] = [denial('acme'), denial('acme')]
    await actor.query('begin')
    await submitEntries(actor, [gone])
    await actor.query('rollback')
    await submitEntries(actor, [kept])
    await until(() => logs.entered.length > 0)
    await until(async () => (await intake.state()).inbox.entries === 0)
    assert.deepEqual(ids(logs.entered), [kept.id])
  })

  test('a transaction that commits behind others is not passed over', async () => {
    const other = new pg.Client(site.actor)
    await other.connect()
    const [early, late] = [denial('acme'), denial('acme')]
    await other.query('begin')
    await submitEntries(other, [early])
    await submitEntries(actor, [late])
    await until(() => logs.entered.length === 1)
    await other.query('commit')
    await until(() => logs.entered.length === 2)
    assert.deepEqual(ids(logs.entered), [late.id, early.id])
    await other.end()
  })

  test('a log that is away holds up no other, however much of it waits', async () => {
    logs.away.add(logOf(parseTenantId('acme')))
    const stuck = Array.from({ length: 1_200 }, () => denial('acme'))
    await submitEntries(actor, stuck)
    const fine = denial('globex')
    await submitEntries(actor, [fine])
    await until(() => logs.entered.length === 1)
    assert.deepEqual(ids(logs.entered), [fine.id])
    assert.equal((await intake.state()).inbox.entries, 1_200)
    logs.away.clear()
    await until(() => logs.entered.length === 1_201)
    assert.equal(new Set(ids(logs.entered)).size, 1_201)
  })

  test('what is no entry is kept aside, and holds up no other', async () => {
    const fine = denial('globex')
    const bad = { id: '4f7c2a5e-0000-4000-8000-000000000000', tenant: 'acme' }
    await actor.query('select audit.submit($1::jsonb)', [JSON.stringify([bad])])
    await submitEntries(actor, [fine])
    await until(() => logs.entered.length === 1)
    await until(async () => (await intake.state()).inbox.entries === 0)
    assert.equal((await intake.state()).quarantined, 1)
  })

  test('two movers at once enter everything once', async () => {
    const other = await openIntake({
      ...{ database: site.records, audience: AUDIENCE, planes: () => [], logs },
      usage: { add: async () => [], completeTo: async () => {} },
      log: () => {},
    })
    const entries = Array.from({ length: 300 }, () => denial('acme'))
    for (const entry of entries) await submitEntries(actor, [entry])
    await until(() => logs.entered.length === 300)
    assert.deepEqual(ids(logs.entered), ids(entries))
    await other.close()
  })

  test('a connection that was cut is made again, and the move goes on', async () => {
    await until(async () => (await movers()) > 0)
    await site.ask(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'ringfence-records-intake'`,
    )
    const entry = denial('acme')
    await submitEntries(actor, [entry])
    await until(() => logs.entered.length === 1)
  })
})

async function movers(): Promise<number> {
  const rows = await site.ask(
    `select from pg_stat_activity where application_name = 'ringfence-records-intake'`,
  )
  return rows.length
}
