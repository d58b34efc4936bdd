import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { UpstreamSpec } from '../contracts/upstream.ts'
import { parseUpstreamName } from '../core/names.ts'
import { selfSigned } from '../edge/self-signed.ts'
import { type Door, openDoor, tokenOf, until } from './door.test-support.ts'
import type { GatewayLimits } from './limits.ts'
import { openSocket, UPGRADES } from './upgrade.test-support.ts'

const tokens = new Map(
  ['acme', 'globex', 'initech', 'pied'].map((name) => [name, tokenOf(name)] as const),
)

interface Service {
  readonly url: string
  readonly seen: () => number
  /** As when its process is killed. */
  kill(): void
}

async function service(t: TestContext, answer: RequestListener): Promise<Service> {
  let seen = 0
  const server = createServer((request, response) => {
    seen += 1
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const kill = () => {
    server.close()
    server.closeAllConnections()
  }
  t.after(kill)
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, seen: () => seen, kill }
}

const well: RequestListener = (_request, response) => response.end('ok')

async function doorTo(
  t: TestContext,
  services: readonly Service[],
  more: Partial<UpstreamSpec> = {},
  limits: Partial<GatewayLimits> = {},
): Promise<Door> {
  const door = await openDoor(t, { limits })
  const servers = services.map(({ url }) => ({ url }))
  door.source.platform({ upstreams: [{ name: parseUpstreamName('clinic'), servers, ...more }] })
  return door
}

async function ask(door: Door, tenant: string, path = 'x', method = 'GET'): Promise<number> {
  const token = tokens.get(tenant) ?? ''
  return (await door.ask({ path: `/t/${tenant}/clinic/${path}`, token, method })).status
}

test('requests are spread over the servers', async (t) => {
  const services = await Promise.all([well, well, well].map((one) => service(t, one)))
  const door = await doorTo(t, services)
  for (let n = 0; n < 60; n += 1) assert.equal(await ask(door, 'acme'), 200)
  for (const { seen } of services) assert.ok(seen() > 0)
})

test('no read is lost when one of three servers is killed under load', async (t) => {
  const slow: RequestListener = (_request, response) => setTimeout(() => response.end('ok'), 3)
  const services = await Promise.all([slow, slow, slow].map((one) => service(t, one)))
  const door = await doorTo(t, services, { attempts: 3 })
  const statuses: number[] = []
  const caller = async (tenant: string) => {
    for (let n = 0; n < 60; n += 1) statuses.push(await ask(door, tenant))
  }
  const callers = ['acme', 'globex', 'acme', 'globex', 'initech', 'initech'].map(caller)
  await until(() => statuses.length > 60)
  services[0]?.kill()
  await Promise.all(callers)
  assert.equal(statuses.length, 360)
  assert.deepEqual(new Set(statuses), new Set([200]))
})

test('when all servers are dead callers hear so at once', async (t) => {
  const dead = await service(t, well)
  dead.kill()
  const door = await doorTo(t, [dead, dead], { attempts: 2 })
  for (let n = 0; n < 10; n += 1) assert.equal(await ask(door, 'acme'), 502)
  const reply = await door.ask({ path: '/t/globex/clinic/x', token: tokens.get('globex') ?? '' })
  assert.equal(reply.status, 502)
  assert.equal(reply.headers['retry-after'], '5')
  await until(() => door.lines.some((line) => line.includes('all servers are out')))
})

test('what a server says of itself is tried elsewhere for reads alone, and within the budget', async (t) => {
  const busy: RequestListener = (_request, response) => response.writeHead(503).end()
  const bad = await service(t, busy)
  const door = await doorTo(t, [bad], { attempts: 5 })
  for (let n = 0; n < 50; n += 1) assert.equal(await ask(door, 'acme'), 503)
  // A fifth, of those that came in the last ten seconds.
  assert.ok(bad.seen() > 50 && bad.seen() <= 60, String(bad.seen()))
  const before = bad.seen()
  for (let n = 0; n < 10; n += 1) assert.equal(await ask(door, 'globex', 'x', 'DELETE'), 503)
  assert.equal(bad.seen(), before + 10)
})

test('a tenant whose requests break a server’s connections takes the server from nobody', async (t) => {
  const one = await service(t, (request, response) => {
    if (request.url?.endsWith('/poison') === true) request.socket.destroy()
    else response.end('ok')
  })
  const door = await doorTo(t, [one])
  for (let n = 0; n < 30; n += 1) assert.equal(await ask(door, 'acme', 'poison'), 502)
  for (let n = 0; n < 5; n += 1) assert.equal(await ask(door, 'globex'), 200)
})

test('a server that answers nobody in time is given no more requests', async (t) => {
  const waited = new Set<string>()
  const silent = await service(t, ({ url = '' }) => waited.add(url))
  const good = await service(t, well)
  // Long enough that the other, however busy the machine, is not late itself.
  const door = await doorTo(t, [silent, good], { attempts: 2, firstByteMs: 300 })
  const tenants = ['acme', 'globex', 'initech']
  const askAsOneOf = (n: number) => ask(door, tenants[n % 3] ?? '', tenants[n % 3])
  // Those that answer well do not speak for the one that does not, and it takes tenants of several
  // names to say so. One who met with it often has no more tries left, and hears that it was late.
  for (let n = 0; silent.seen() < 5 || waited.size < 3; n += 1) {
    assert.ok([200, 504].includes(await askAsOneOf(n)))
  }
  const before = silent.seen()
  for (let n = 0; n < 30; n += 1) assert.equal(await askAsOneOf(n), 200)
  // Half of them would be its share. On a slow machine it may have come to be tried again, twice.
  assert.ok(silent.seen() <= before + 3, String(silent.seen() - before))
})

test('a server that says that it is not well gets nothing until it says that it is', async (t) => {
  let isWell = false
  let probes = 0
  const flapping = await service(t, (request, response) => {
    if (request.url === '/healthz') {
      probes += 1
      response.writeHead(isWell ? 200 : 500)
    }
    response.end('ok')
  })
  const good = await service(t, well)
  const health = { path: '/healthz', intervalMs: 100, unhealthyAfter: 1, healthyAfter: 1 }
  const door = await doorTo(t, [flapping, good], { health })
  assert.equal(await ask(door, 'acme'), 200)
  await until(() => probes >= 2)
  const served = () => flapping.seen() - probes
  const before = served()
  for (let n = 0; n < 30; n += 1) assert.equal(await ask(door, 'acme'), 200)
  assert.equal(served(), before)
  isWell = true
  const asked = probes
  await until(() => probes >= asked + 2)
  for (let n = 0; n < 60; n += 1) assert.equal(await ask(door, 'acme'), 200)
  assert.ok(served() > before)
})

test('a tenant goes to servers of its cell, and where there is none, nowhere', async (t) => {
  const services = await Promise.all([well, well].map((one) => service(t, one)))
  const door = await doorTo(t, services)
  const [own, other] = services
  const servers = [
    { url: own?.url ?? '', cell: 'eu-west-1' },
    { url: other?.url ?? '', cell: 'us-1' },
  ] as UpstreamSpec['servers']
  door.source.platform({ upstreams: [{ name: parseUpstreamName('clinic'), servers }] })
  for (let n = 0; n < 20; n += 1) assert.equal(await ask(door, 'acme'), 200)
  assert.deepEqual([own?.seen(), other?.seen()], [20, 0])
  door.source.platform({
    upstreams: [{ name: parseUpstreamName('clinic'), servers: servers.slice(1) }],
  })
  assert.equal(await ask(door, 'acme'), 502)
})

test('a server whose certificate nobody vouches for gets nothing, in whichever way', async (t) => {
  let seen = 0
  // Right but for who says so.
  const { key, chain: cert } = await selfSigned(['localhost'])
  const server = createSecureServer({ key, cert, allowHTTP1: true }, (_request, response) => {
    seen += 1
    response.end('ok')
  })
  server.on('upgrade', () => {
    seen += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.on('sessionError', () => undefined)
  t.after(() => server.close())
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  for (const protocol of ['http/1.1', 'h2'] as const) {
    const door = await doorTo(t, [], { servers: [{ url }], protocol })
    assert.equal(await ask(door, 'acme'), 502)
    const token = tokens.get('acme') ?? ''
    const post = { path: '/t/acme/clinic/x', token, method: 'POST', body: 'abc' }
    assert.equal((await door.ask(post)).status, 502)
    const path = '/t/globex/live/x'
    door.source.change('globex', UPGRADES)
    const { outcome } = await openSocket(door.port, { path, token: tokens.get('globex') ?? '' })
    assert.match(outcome, /^502 /)
  }
  assert.equal(seen, 0)
})
