import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, LookupFunction } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { UpstreamSpec } from '../contracts/upstream.ts'
import { parseApiName, parseContractName, parseUpstreamName } from '../core/names.ts'
import { upstreamGuard, type UpstreamGuardOptions } from '../upstreams/upstream-guard.ts'
import { type Door, openDoor, tokenOf } from './door.test-support.ts'
import { upstream } from './upstream.test-support.ts'
import { openSocket } from './upgrade.test-support.ts'

const NAME = parseUpstreamName('own')

/** Every name is one of this machine: what an attacker's own name server can say at any time. */
const here: LookupFunction = (_host, _options, done) =>
  done(null, [{ address: '127.0.0.1', family: 4 }])

function ownDoor(t: TestContext, options: UpstreamGuardOptions = {}): Promise<Door> {
  return openDoor(t, { upstreamGuard: upstreamGuard({ lookup: here, ...options }) })
}

function owns(door: Door, tenant: string, url: string, more: Partial<UpstreamSpec> = {}): void {
  door.source.change(tenant, {
    upstreams: [{ name: NAME, servers: [{ url }], ...more }],
    contract: {
      name: parseContractName('own'),
      apis: [
        {
          name: parseApiName('own'),
          prefix: '/own',
          upstream: { of: 'tenant', name: NAME },
          upgrades: true,
        },
      ],
    },
  })
}

/** A request without a body, one with a body and a WebSocket: each is connected for in another way. */
async function allWays(door: Door, tenant: string): Promise<readonly string[]> {
  const token = tokenOf(tenant)
  const path = `/t/${tenant}/own/x`
  const get = await door.ask({ path, token })
  const post = await door.ask({ path, token, method: 'POST', body: 'abc' })
  const socket = await openSocket(door.port, { path, token })
  socket.socket.terminate()
  return [String(get.status), String(post.status), socket.outcome]
}

async function http2Service(t: TestContext) {
  let streams = 0
  const server = createHttp2Server()
  server.on('stream', (stream) => {
    streams += 1
    stream.respond({ ':status': 200 })
    stream.end('ok')
  })
  server.on('sessionError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { port: (server.address() as AddressInfo).port, streams: () => streams }
}

const portOf = (url: string) => new URL(url).port

test('an own upstream that is allowed is reached in every way', async (t) => {
  const door = await ownDoor(t, { ranges: ['127.0.0.0/8'] })
  const own = await upstream(t)
  owns(door, 'acme', own.url)
  assert.deepEqual(await allWays(door, 'acme'), ['200', '200', 'open'])
  owns(door, 'acme', `http://crm.example.com:${portOf(own.url)}`)
  assert.deepEqual(await allWays(door, 'acme'), ['200', '200', 'open'])
  const http2 = await http2Service(t)
  owns(door, 'acme', `http://crm.example.com:${http2.port}`, { protocol: 'h2c' })
  assert.equal((await door.ask({ path: '/t/acme/own/x', token: tokenOf('acme') })).status, 200)
})

test('a name that comes to mean this machine gets no connection, in whichever way', async (t) => {
  const door = await ownDoor(t)
  const inner = await upstream(t)
  owns(door, 'acme', `http://crm.example.com:${portOf(inner.url)}`)
  const [get, post, socket] = await allWays(door, 'acme')
  assert.deepEqual([get, post], ['502', '502'])
  assert.match(socket ?? '', /^502 /)
  assert.equal(inner.connections(), 0)
  const http2 = await http2Service(t)
  owns(door, 'acme', `http://crm.example.com:${http2.port}`, { protocol: 'h2c' })
  const token = tokenOf('acme')
  assert.equal((await door.ask({ path: '/t/acme/own/x', token })).status, 502)
  const post2 = { path: '/t/acme/own/x', token, method: 'POST', body: 'abc' }
  assert.equal((await door.ask(post2)).status, 502)
  assert.equal(http2.streams(), 0)
})

test('an address of this machine gets no connection, however it is written', async (t) => {
  const door = await ownDoor(t)
  const inner = await upstream(t)
  const port = portOf(inner.url)
  for (const host of [
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '0.0.0.0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    'localhost',
    'crm.localhost',
  ]) {
    owns(door, 'acme', `http://${host}:${port}`)
    const reply = await door.ask({ path: '/t/acme/own/x', token: tokenOf('acme') })
    assert.equal(reply.status, 502, host)
    assert.ok(!reply.body.includes('ours'), host)
  }
  const [, , socket] = await allWays(door, 'acme')
  assert.match(socket ?? '', /^502 /)
  assert.equal(inner.connections(), 0)
})

test('the platform’s services and others’ hosts are no own upstreams, even where all is allowed', async (t) => {
  const door = await ownDoor(t, { ranges: ['127.0.0.0/8'] })
  const port = portOf(door.upstream.url)
  for (const url of [
    door.upstream.url,
    `http://crm.example.com:${port}`,
    `http://globex.example:${door.port}`,
    `http://globex.example.:${door.port}`,
    `http://GLOBEX.example:${door.port}`,
  ]) {
    owns(door, 'acme', url)
    const [get, post, socket] = await allWays(door, 'acme')
    assert.deepEqual([get, post], ['502', '502'], url)
    assert.match(socket ?? '', /^502 /)
  }
  assert.equal(door.upstream.connections(), 0)
})

test('two tenants that name the same server share no connection to it', async (t) => {
  const door = await ownDoor(t, { ranges: ['127.0.0.0/8'] })
  const own = await upstream(t)
  for (const tenant of ['acme', 'globex']) owns(door, tenant, own.url)
  for (let n = 0; n < 3; n += 1) {
    for (const tenant of ['acme', 'globex']) {
      const reply = await door.ask({ path: `/t/${tenant}/own/x`, token: tokenOf(tenant) })
      assert.equal(reply.status, 200)
    }
  }
  assert.equal(own.connections(), 2)
})

test('a redirect to metadata goes to the caller and is not followed', async (t) => {
  const inner = await upstream(t)
  const outer = createServer((_request, response) => {
    response.writeHead(302, { location: `${inner.url}/latest/meta-data/` }).end()
  })
  await new Promise<void>((resolve) => outer.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    outer.closeAllConnections()
    outer.close()
  })
  const door = await ownDoor(t, { ranges: ['127.0.0.0/8'] })
  owns(door, 'acme', `http://127.0.0.1:${(outer.address() as AddressInfo).port}`)
  const { status } = await door.ask({ path: '/t/acme/own/x', token: tokenOf('acme') })
  assert.equal(status, 302)
  assert.equal(inner.connections(), 0)
})
