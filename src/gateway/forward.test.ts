import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { type Door, openDoor, tokenOf, until } from './door.test-support.ts'

const token = tokenOf('acme')
const path = (name: string) => `/t/acme/clinic/${name}`
const authorization = `Bearer ${token}`

test('fields that a service would believe are replaced, ordinary ones arrive', async (t) => {
  const door = await openDoor(t)
  const spoofed = [
    ['Ringfence-Context', 'spoof'],
    ['X-Ringfence-Tenant', 'spoof'],
    ['X-Forwarded-For', 'spoof'],
    ['X-Forwarded-Host', 'spoof'],
    ['Forwarded', 'for=spoof'],
    ['X-Real-IP', 'spoof'],
    ['X-Rewrite-URL', '/spoof'],
    ['X-HTTP-Method-Override', 'spoof'],
    ['X-Request-Id', 'spoof'],
    ['Tenant', 'spoof'],
    ['Remote-User', 'spoof'],
    ['X-User', 'spoof'],
    ['True-Client-IP', 'spoof'],
  ].flat()
  const ordinary = [
    'Accept-Language',
    'de',
    'Cookie',
    'a=1',
    'User-Agent',
    'curl',
    'X-Thing',
    'one',
    'X-Thing',
    'two',
  ]
  await door.ask({ path: path('x'), token, headers: [...spoofed, ...ordinary] })
  const headers = door.upstream.seen[0]?.headers ?? {}
  assert.ok(!JSON.stringify(headers).includes('spoof'))
  assert.ok(!JSON.stringify(headers).includes(token))
  assert.equal(headers['authorization'], undefined)
  assert.equal(headers['user-agent'], 'curl')
  assert.equal(headers['cookie'], 'a=1')
  assert.equal(headers['x-thing'], 'one, two')
  assert.equal(headers['host'], new URL(door.upstream.url).host)
  assert.equal(headers['forwarded'], 'for=127.0.0.1;proto=http;host="api.example"')
})

test('a field that Connection names is for this hop, and cannot be one of ours', async (t) => {
  const door = await openDoor(t)
  const headers = ['Connection', 'x-mine, ringfence-context, forwarded', 'X-Mine', '1']
  await door.ask({ path: path('x'), token, headers })
  const seen = door.upstream.seen[0]?.headers ?? {}
  assert.equal(seen['x-mine'], undefined)
  assert.ok(seen['ringfence-context'])
  assert.ok(seen['forwarded'])
  assert.equal(seen['connection'], 'keep-alive')
})

test('a trace goes on, a broken one begins anew', async (t) => {
  const door = await openDoor(t)
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  const span = '00f067aa0ba902b7'
  const ask = async (...headers: string[]) => {
    await door.ask({ path: path('x'), token, headers })
    return door.upstream.seen.at(-1)?.headers ?? {}
  }
  const kept = await ask('traceparent', `00-${trace}-${span}-01`, 'tracestate', 'a=1')
  assert.match(kept['traceparent'] ?? '', new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
  assert.ok(!kept['traceparent']?.includes(span))
  assert.equal(kept['tracestate'], 'a=1')
  for (const bad of [
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `ff-${trace}-${span}-01`,
    'nonsense',
  ]) {
    const anew = await ask('traceparent', bad, 'tracestate', 'a=1')
    assert.match(anew['traceparent'] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
    assert.ok(!anew['traceparent']?.includes(trace))
    assert.equal(anew['tracestate'], undefined)
  }
})

test('bodies arrive as they were sent, with a length or without', async (t) => {
  const door = await openDoor(t)
  const body = 'x'.repeat(50_000)
  const sized = await door.ask({ path: path('upload'), method: 'POST', token, body })
  assert.equal(sized.status, 200)
  assert.equal(door.upstream.seen[0]?.body, body)
  assert.equal(door.upstream.seen[0].headers['content-length'], '50000')
  const { status } = await upload(door, ['a', 'b', 'c'])
  assert.equal(status, 200)
  assert.equal(door.upstream.seen[1]?.body, 'abc')
  assert.equal(door.upstream.seen[1].headers['transfer-encoding'], 'chunked')
})

test('a body without a length is cut off at the limit, and its sender told', async (t) => {
  const door = await openDoor(t)
  const { status } = await upload(
    door,
    Array.from({ length: 12 }, () => 'x'.repeat(10_000)),
  )
  assert.equal(status, 413)
  // It may have been over before the service heard of it.
  await until(() => door.upstream.seen.every(({ aborted }) => aborted))
})

test('the request goes on as it comes, and so does the answer', async (t) => {
  const door = await openDoor(t)
  const sending = httpRequest({
    port: door.port,
    path: path('drip'),
    method: 'POST',
    headers: { authorization, host: 'api.example' },
  })
  const chunks: string[] = []
  sending.on('response', (response) => response.on('data', (chunk) => chunks.push(String(chunk))))
  sending.write('one')
  await until(() => door.upstream.seen[0]?.body === 'one')
  await until(() => chunks.join('') === 'first\n')
  sending.end('two')
  await until(() => door.upstream.seen[0]?.body === 'onetwo')
  door.upstream.hanging[0]?.end('last')
  await until(() => chunks.join('') === 'first\nlast')
})

test('a caller that does not read holds the service back', async (t) => {
  const door = await openDoor(t)
  const socket = connect(door.port, '127.0.0.1')
  socket.pause()
  socket.write(
    `GET ${path('drip')} HTTP/1.1\r\nHost: api.example\r\nAuthorization: ${authorization}\r\n\r\n`,
  )
  await until(() => door.upstream.hanging.length === 1)
  const [response] = door.upstream.hanging
  assert.ok(response)
  const block = Buffer.alloc(1024 * 1024)
  let written = 0
  // Buffers on the way take a few megabytes; then it must stop.
  while (written < 64 && response.write(block)) written += 1
  while (written < 64 && response.writableLength < 32 * block.length) {
    response.write(block)
    written += 1
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.ok(response.writableLength >= 32 * block.length, 'all of it was taken')
  socket.destroy()
  await until(() => response.closed)
})

test('a caller who goes away takes the request with them, at every stage', async (t) => {
  const door = await openDoor(t)
  for (const name of ['hang', 'drip']) {
    const before = door.upstream.seen.length
    const abort = new AbortController()
    const asking = door.ask({ path: path(name), token, signal: abort.signal })
    await until(() => door.upstream.hanging.length === before + 1)
    abort.abort()
    await assert.rejects(asking)
    await until(() => door.upstream.seen[before]?.aborted === true)
  }
  await until(() => door.lines.length === 2)
  const statuses = door.lines.map((line) => (JSON.parse(line) as { status: number }).status)
  assert.deepEqual(statuses, [499, 200])
})

test('seats are given back, however a request ends', async (t) => {
  const door = await openDoor(t, { limits: { concurrentPerTenant: 1 } })
  for (let n = 0; n < 3; n += 1) {
    const abort = new AbortController()
    const asking = door.ask({ path: path('hang'), token, signal: abort.signal })
    await until(() => door.upstream.hanging.length === n + 1)
    assert.equal((await door.ask({ path: path('x'), token })).status, 429)
    abort.abort()
    await assert.rejects(asking)
    await until(() => door.lines.length === 2 * n + 2)
  }
  for (const name of ['reset', 'cut', 'x'])
    await door.ask({ path: path(name), token }).catch(() => 0)
  assert.equal((await door.ask({ path: path('x'), token })).status, 200)
})

test('one tenant at its limit takes no seat of another', async (t) => {
  const door = await openDoor(t, { limits: { concurrentPerTenant: 1 } })
  const asking = door.ask({ path: path('hang'), token })
  await until(() => door.upstream.hanging.length === 1)
  const other = await door.ask({ path: '/t/globex/clinic/x', token: tokenOf('globex') })
  assert.equal(other.status, 200)
  door.upstream.hanging[0]?.end()
  await asking
})

test('a service that is away, silent or broken gives a problem and not a hang', async (t) => {
  const door = await openDoor(t, { limits: { firstByteMs: 50 } })
  const away = await door.ask({ path: '/t/acme/away', token })
  assert.equal(away.status, 502)
  assert.match(away.body, /upstream_failed/)
  assert.equal(away.headers['content-type'], 'application/problem+json')
  assert.ok(!away.body.includes('127.0.0.1'))
  assert.equal((await door.ask({ path: path('reset'), token })).status, 502)
  assert.equal((await door.ask({ path: path('hang'), token })).status, 504)
})

test('an answer that breaks off does not look whole', async (t) => {
  const door = await openDoor(t)
  await assert.rejects(door.ask({ path: path('cut'), token }))
  await until(() => door.lines.length === 1)
})

test('an answer that falls silent is cut off', async (t) => {
  const door = await openDoor(t, { limits: { idleMs: 50 } })
  await assert.rejects(door.ask({ path: path('drip'), token }))
})

test('what a service says in our name is not passed on', async (t) => {
  const door = await openDoor(t)
  const { headers } = await door.ask({ path: path('boast'), token })
  assert.equal(headers['ringfence-tenant'], undefined)
  assert.equal(headers['x-ringfence-admin'], undefined)
  assert.equal(headers['ringfence_context'], undefined)
  assert.equal(headers['x-hop'], undefined)
  assert.notEqual(headers['x-request-id'], 'mine')
  assert.equal(headers['x-kept'], '1')
  assert.equal(headers['cache-control'], 'private, no-store')
})

test('a body is not asked for before its sender is known', async (t) => {
  const door = await openDoor(t)
  const head = (token: string) =>
    `POST ${path('upload')} HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer ${token}\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`
  const refused = await door.raw(head('nonsense'))
  assert.match(refused, /^HTTP\/1\.1 401 /)
  const served = await door.raw(`${head(token)}abc`)
  assert.match(served, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
  assert.equal(door.upstream.seen[0]?.body, 'abc')
  assert.equal(door.upstream.seen[0].headers['expect'], undefined)
})

test('connections to a service are used again', async (t) => {
  const door = await openDoor(t)
  for (let n = 0; n < 5; n += 1) {
    assert.equal((await door.ask({ path: path('x'), token })).status, 200)
  }
  assert.equal(door.upstream.connections(), 1)
})

test('a kept connection that the service has closed fails no read', async (t) => {
  const door = await openDoor(t)
  for (let n = 0; n < 20; n += 1) {
    assert.equal((await door.ask({ path: path('x'), token })).status, 200)
    door.upstream.dropConnections()
  }
})

function upload(door: Door, chunks: readonly string[]): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const sending = httpRequest({
      port: door.port,
      path: path('upload'),
      method: 'POST',
      headers: { authorization, host: 'api.example', 'transfer-encoding': 'chunked' },
    })
    sending.on('response', (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0 })
    })
    sending.on('error', reject)
    for (const chunk of chunks) sending.write(chunk)
    sending.end()
  })
}
