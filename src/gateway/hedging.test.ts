import assert from 'node:assert/strict'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { UpstreamSpec } from '../contracts/upstream.ts'
import { parseUpstreamName } from '../core/names.ts'
import { type Door, openDoor, tokenOf, until } from './door.test-support.ts'

const token = tokenOf('acme')

interface Service {
  readonly url: string
  /** Requests that came, and those that were cut off before they were answered. */
  readonly seen: () => number
  readonly cut: () => number
}

async function service(t: TestContext, answer: RequestListener): Promise<Service> {
  let seen = 0
  let cut = 0
  const server = createServer((request, response) => {
    seen += 1
    response.once('close', () => {
      if (!response.writableFinished) cut += 1
    })
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, seen: () => seen, cut: () => cut }
}

const well: RequestListener = (_request, response) => response.end('well')
const silent: RequestListener = () => undefined

/** Two servers that answer in turn, whichever of them is asked first. */
function inTurn(t: TestContext, ...answers: readonly RequestListener[]) {
  let turn = 0
  const answer: RequestListener = (request, response) => {
    const next = answers[turn % answers.length]
    turn += 1
    next?.(request, response)
  }
  return Promise.all([service(t, answer), service(t, answer)])
}

const seenBy = (services: readonly Service[]) => services.reduce((sum, one) => sum + one.seen(), 0)

async function doorTo(
  t: TestContext,
  services: readonly Service[],
  more: Partial<UpstreamSpec> = {},
): Promise<Door> {
  const door = await openDoor(t)
  const servers = services.map(({ url }) => ({ url }))
  door.source.platform({ upstreams: [{ name: parseUpstreamName('clinic'), servers, ...more }] })
  return door
}

const ask = (door: Door, method = 'GET') => door.ask({ path: '/t/acme/clinic/x', token, method })

test('a read that one server does not answer is answered by another, and ended at the first', async (t) => {
  const services = await inTurn(t, silent, well)
  const door = await doorTo(t, services, { hedgeAfterMs: 20, firstByteMs: 60_000 })
  const reply = await ask(door)
  assert.equal(reply.status, 200)
  assert.equal(reply.body, 'well')
  await until(() => services[0].cut() + services[1].cut() === 1)
})

test('a server that answers in time is the only one asked', async (t) => {
  const services = await inTurn(t, well)
  const door = await doorTo(t, services, { hedgeAfterMs: 60_000 })
  for (let n = 0; n < 20; n += 1) assert.equal((await ask(door)).status, 200)
  assert.equal(seenBy(services), 20)
})

test('what changes something is never with two servers', async (t) => {
  const services = await inTurn(t, silent)
  const door = await doorTo(t, services, { hedgeAfterMs: 10, firstByteMs: 200 })
  assert.equal((await ask(door, 'DELETE')).status, 504)
  assert.equal(seenBy(services), 1)
})

test('without the setting nothing is with two servers', async (t) => {
  const services = await inTurn(t, silent)
  const door = await doorTo(t, services, { firstByteMs: 200 })
  assert.equal((await ask(door)).status, 504)
  assert.equal(seenBy(services), 1)
})

test('a failure of one of two is no failure, and that of both is told once', async (t) => {
  const waiting: ServerResponse[] = []
  const late: RequestListener = (_request, response) => void waiting.push(response)
  const bad: RequestListener = (request) => request.socket.destroy()
  const services = await inTurn(t, late, bad)
  const door = await doorTo(t, services, { hedgeAfterMs: 10, firstByteMs: 60_000 })
  const answered = ask(door)
  await until(() => waiting.length === 1 && seenBy(services) === 2)
  waiting[0]?.end('late')
  assert.equal((await answered).body, 'late')
  const failing = ask(door)
  await until(() => waiting.length === 2 && seenBy(services) === 4)
  waiting[1]?.destroy()
  assert.equal((await failing).status, 502)
  await until(() => door.lines.filter((line) => line.includes('"status":502')).length === 1)
})

test('a caller who leaves ends both', async (t) => {
  const services = await inTurn(t, silent)
  const door = await doorTo(t, services, { hedgeAfterMs: 10, firstByteMs: 60_000 })
  const leaving = new AbortController()
  const asked = door.ask({ path: '/t/acme/clinic/x', token, signal: leaving.signal })
  await until(() => seenBy(services) === 2)
  leaving.abort()
  await assert.rejects(asked)
  await until(() => services[0].cut() + services[1].cut() === 2)
})

test('of many slow requests no more go to a second server than the budget allows', async (t) => {
  const slow: RequestListener = (_request, response) => {
    setTimeout(() => response.end('slow'), 60)
  }
  const services = await inTurn(t, slow)
  const door = await doorTo(t, services, { hedgeAfterMs: 5 })
  for (let n = 0; n < 25; n += 1) assert.equal((await ask(door)).status, 200)
  // A fifth of those of the last ten seconds, three in any case.
  const besides = seenBy(services) - 25
  assert.ok(besides >= 3 && besides <= 8, String(besides))
})
