import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { RingfenceError } from '../core/errors.ts'
import { parseServiceName } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { verifyContext } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'
import { type UsageEvent, type UsageSink, usageEventSchema } from '../usage/usage-event.ts'
import { contextKey, type Door, openDoor, stranger, tokenOf, until } from './door.test-support.ts'
import { delegated, GRANT, grantOf, PATIENTS } from './grant-attacks.test-support.ts'
import { callTool, openMcpSite } from './mcp/mcp-site.test-support.ts'

const SOURCE = '/ringfence/gateway/g1'

/** Keeps what is written, when a test lets it. */
class Kept implements UsageSink {
  readonly events: UsageEvent[] = []
  before: () => Promise<void> = () => Promise.resolve()
  waiting = 0

  async write(events: readonly UsageEvent[]): Promise<void> {
    this.waiting += 1
    await this.before()
    // As the records plane reads them.
    for (const event of events) this.events.push(usageEventSchema.parse(event))
  }
}

async function opened(t: TestContext) {
  const sink = new Kept()
  const door = await openDoor(t, { usage: { sink, source: SOURCE } })
  return { sink, door }
}

const ask = (door: Door, path: string, method = 'GET') =>
  door.ask({ path: `/t/acme/clinic${path}`, method, token: tokenOf('acme') })

test('a request that was let through is used once, by its id, with nothing that users type', async (t) => {
  const { sink, door } = await opened(t)
  const reply = await door.ask({
    method: 'POST',
    path: '/t/acme/clinic/secret-patient/upload?name=smith',
    token: tokenOf('acme'),
    body: 'twelve bytes',
  })
  assert.equal(reply.status, 200)
  const [event, ...more] = sink.events
  assert.deepEqual(more, [])
  assert.equal(event?.id, reply.headers['x-request-id'])
  assert.equal(event?.source, SOURCE)
  assert.equal(event?.type, 'dev.ringfence.request')
  assert.equal(event?.tenantid, 'acme')
  assert.equal(event?.subject, 'ann')
  const { duration_ms, ...data } = event?.data ?? {}
  assert.equal(typeof duration_ms, 'number')
  assert.deepEqual(data, {
    ...{ api: 'clinic', upstream: 'clinic', client: 'web', method: 'POST', status: '2xx', cost: 1 },
    ...{ request_bytes: 12, response_bytes: 8 },
  })
  assert.doesNotMatch(JSON.stringify(event), /secret-patient|smith/)
})

test('what is refused is nobody’s usage: no stranger runs up a tenant’s bill', async (t) => {
  const { sink, door } = await opened(t)
  const path = '/t/acme/clinic/x'
  await door.ask({ path })
  await door.ask({ path, token: tokenOf('acme', {}, stranger) })
  await door.ask({ path, token: tokenOf('globex') })
  await door.ask({ path: '/t/reader/clinic/x', method: 'POST', token: tokenOf('reader') })
  await until(() => door.lines.length === 4)
  assert.deepEqual(sink.events, [])
  assert.deepEqual(usedIn(door), [])
})

for (const [kind, path, method] of [
  ['a small body', '/x', 'GET'],
  ['a body of several pieces', '/large', 'GET'],
  ['no body', '/x', 'HEAD'],
  ['no body by its status', '/nothing', 'GET'],
  ['a length of its own', '/facts', 'GET'],
] as const) {
  test(`nobody has an answer with ${kind} whole before its usage is on the disk`, async (t) => {
    const { sink, door } = await opened(t)
    let written: () => void = () => {}
    sink.before = () => new Promise((resolve) => (written = resolve))
    let isWhole = false
    const asked = ask(door, path, method).then((reply) => {
      isWhole = true
      return reply
    })
    await until(() => sink.waiting === 1)
    for (let n = 0; n < 20; n += 1) await turn()
    assert.equal(isWhole, false)
    written()
    const { status, body } = await asked
    assert.ok(status < 300)
    if (path === '/large') assert.equal(body.length, 300_000)
    assert.equal(sink.events.length, 1)
    if (path === '/large') assert.equal(sink.events[0]?.data['response_bytes'], 300_000)
  })
}

test('nobody has the end of an answer without a length before its usage is on the disk', async (t) => {
  const { sink, door } = await opened(t)
  let written: () => void = () => {}
  sink.before = () => new Promise((resolve) => (written = resolve))
  let isWhole = false
  const asked = ask(door, '/drip').then((reply) => {
    isWhole = true
    return reply
  })
  await until(() => door.upstream.hanging.length === 1)
  door.upstream.hanging[0]?.end('last\n')
  await until(() => sink.waiting === 1)
  for (let n = 0; n < 20; n += 1) await turn()
  assert.equal(isWhole, false)
  written()
  assert.equal((await asked).body, 'first\nlast\n')
})

test('what cannot be entered is not given: its answer is cut off', async (t) => {
  const { sink, door } = await opened(t)
  sink.before = () => Promise.reject(new RingfenceError('not_writable', 'the disk is full'))
  for (const path of ['/x', '/large', '/nothing', '/facts']) await assert.rejects(ask(door, path))
  assert.deepEqual(sink.events, [])
  sink.before = () => Promise.resolve()
  assert.equal((await ask(door, '/x')).status, 200)
})

test('what was cut off in the middle is used as well, as far as it came', async (t) => {
  const { sink, door } = await opened(t)
  await assert.rejects(ask(door, '/cut'))
  await until(() => sink.events.length === 1)
  assert.equal(sink.events[0]?.data['cut'], true)
  const gone = new AbortController()
  const leaving = door.ask({
    path: '/t/acme/clinic/drip',
    token: tokenOf('acme'),
    signal: gone.signal,
  })
  await until(() => door.upstream.hanging.length === 1)
  gone.abort()
  await assert.rejects(leaving)
  await until(() => sink.events.length === 2)
  assert.equal(sink.events[1]?.data['cut'], true)
})

test('a WebSocket is used once, when it ends', async (t) => {
  const { sink, door } = await opened(t)
  const contract = {
    name: 'c',
    apis: [
      {
        name: 'clinic',
        prefix: '/clinic',
        upstream: { of: 'platform', name: 'clinic' },
        upgrades: true,
      },
    ],
  }
  door.source.change('acme', { contract: contract as never })
  const socket = new WebSocket(`ws://127.0.0.1:${door.port}/t/acme/clinic/ws`, {
    headers: { authorization: `Bearer ${tokenOf('acme')}`, host: 'api.example' },
  })
  await new Promise((resolve) => socket.once('open', resolve))
  socket.send('hello')
  await new Promise((resolve) => socket.once('message', resolve))
  assert.equal(sink.events.length, 0)
  socket.close()
  await until(() => sink.events.length === 1)
  assert.ok(Number(sink.events[0]?.data['response_bytes']) > 0)
})

test('under a grant it is used once, by the side that pays, and services are told which', async (t) => {
  const { sink, door } = await opened(t)
  const keys = { request: new KeySet([contextKey.publicJwk]), job: new KeySet([]) }
  for (const [bills, payer] of [
    ['grantee', 'globex'],
    ['grantor', 'acme'],
  ] as const) {
    door.source.change('acme', { grants: [grantOf({ bills })] })
    assert.equal((await door.ask({ path: PATIENTS, token: delegated() })).status, 200)
    const event = sink.events.at(-1)
    assert.equal(event?.tenantid, payer)
    assert.equal(event?.tenantcontextid, 'acme')
    assert.equal(event?.grantid, GRANT)
    const text = String(door.upstream.seen.at(-1)?.headers['ringfence-context'])
    const context = await verifyContext(text, keys, parseServiceName('clinic'))
    assert.equal(context.billed, parseTenantId(payer))
  }
  await ask(door, '/x')
  assert.equal(sink.events.length, 3)
  assert.equal(sink.events[2]?.tenantcontextid, undefined)
  const own = String(door.upstream.seen.at(-1)?.headers['ringfence-context'])
  assert.equal((await verifyContext(own, keys, parseServiceName('clinic'))).billed, undefined)
})

test('an agent’s call of a tool is used once: not the message and the call, and not each part of a session', async (t) => {
  const sink = new Kept()
  const { door, client } = await openMcpSite(t, { usage: { sink, source: SOURCE } })
  const agent = await client('acme')
  const called = await callTool(agent, 'clinic_listPatients', { ward: 'a', limit: 5 })
  assert.equal(called.isError, false)
  await callTool(agent, 'notes_search', { text: 'x' })
  const calls = () => sink.events.filter(({ data }) => data['api'] !== 'mcp')
  assert.deepEqual(
    calls().map(({ data }) => [data['api'], data['tool'], data['operation']]),
    [
      ['clinic', 'clinic_listPatients', 'listPatients'],
      ['notes', 'notes_search', undefined],
    ],
  )
  // The messages that were no calls are used as such.
  const messages = () =>
    door.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ route }) => route === 'mcp').length
  await until(() => messages() - 2 === sink.events.length - calls().length)
  assert.equal(calls().length, 2)
  // The log calls the same used, so that the two can be compared.
  const used = () => usedIn(door).toSorted()
  await until(() => used().length === sink.events.length)
  assert.deepEqual(used(), sink.events.map(({ id }) => id).toSorted())
})

/** Ids of requests that the log says usage events tell of. */
function usedIn(door: Pick<Door, 'lines'>): readonly string[] {
  return door.lines
    .map((line) => JSON.parse(line) as { request_id: string; used?: boolean })
    .flatMap(({ request_id, used }) => (used === true ? [request_id] : []))
}
