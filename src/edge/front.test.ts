import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect, type ConnectionOptions } from 'node:tls'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { until } from '../core/until.test-support.ts'
import { openTestFront } from './front.test-support.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'

/** What comes back until the connection ends. */
function heard(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
    socket.write(text)
  })
}

const tls = (port: number, options: ConnectionOptions = {}) =>
  connect({
    ...{ port, host: '127.0.0.1', servername: 'a.example', rejectUnauthorized: false },
    ...options,
  })

test('TLS 1.2 and 1.3 are spoken, nothing older; a name that is nobody’s gets no handshake', async (t) => {
  const { port, seen } = await openTestFront(t)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = tls(port, { minVersion: version, maxVersion: version })
    assert.match(await heard(socket, GET), /served$/)
  }
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const
  assert.equal(await heard(tls(port, old), GET), '')
  const weak = { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:AES128-GCM-SHA256' } as const
  assert.equal(await heard(tls(port, weak), GET), '')
  for (const servername of ['c.example', '../a.example', 'x'.repeat(300)]) {
    assert.equal(await heard(tls(port, { servername }), GET), '')
  }
  assert.equal(await heard(connectPlain(port, '127.0.0.1'), GET), '')
  assert.equal(seen.length, 2)
})

test('an address has so many connections and no more, until it lets one go', async (t) => {
  const { port } = await openTestFront(t, { plain: true, limits: { connectionsPerAddress: 2 } })
  const kept = [1, 2].map(() => connectPlain(port, '127.0.0.1'))
  await Promise.all(kept.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
  assert.equal(await heard(connectPlain(port, '127.0.0.1'), GET), '')
  kept[0]?.destroy()
  for (let answer = ''; !answer.endsWith('served'); ) {
    answer = await heard(connectPlain(port, '127.0.0.1'), GET)
  }
  kept[1]?.destroy()
})

test('who sends what cannot be read again and again is not listened to for a while', async (t) => {
  for (const plain of [true, false]) {
    const { port } = await openTestFront(t, { plain, limits: { faultsPerMinute: 3 } })
    const garbage = () => heard(connectPlain(port, '127.0.0.1'), 'nonsense\r\n\r\n')
    for (let count = 0; count < 3; count += 1) await garbage()
    const honest = plain ? connectPlain(port, '127.0.0.1') : tls(port)
    assert.equal(await heard(honest, GET), '')
  }
})

test('callers through a proxy of ours are not counted as one', async (t) => {
  const { port } = await openTestFront(t, {
    plain: true,
    limits: { connectionsPerAddress: 1, faultsPerMinute: 1 },
    trustedProxies: { ranges: ['127.0.0.1'] },
  })
  const kept = [1, 2, 3].map(() => connectPlain(port, '127.0.0.1'))
  assert.match(await heard(connectPlain(port, '127.0.0.1'), 'nonsense\r\n\r\n'), /^HTTP\/1.1 400/)
  assert.match(await heard(connectPlain(port, '127.0.0.1'), GET), /served$/)
  for (const socket of kept) socket.destroy()
})

const SLOW = { lookEveryMs: 100, bytesPerSecond: 5_000 }
const POST = 'POST /read HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10000\r\n\r\n'

test('a body that comes a byte at a time is not waited for, over either version of HTTP', async (t) => {
  const { port } = await openTestFront(t, { limits: SLOW })
  const socket = tls(port)
  const drip = setInterval(() => socket.write('x'), 20)
  assert.equal(await heard(socket, POST), '')
  clearInterval(drip)

  const session = connectHttp2(`https://a.example:${port}`, {
    lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    rejectUnauthorized: false,
  })
  session.on('error', () => undefined)
  const stream = session.request({ ':method': 'POST', ':path': '/read' })
  stream.on('error', () => undefined)
  const dripping = setInterval(() => stream.write('x'), 20)
  await new Promise((resolve) => session.once('close', resolve))
  clearInterval(dripping)
})

test('a body that comes at an honest pace arrives, and a service that takes its time is not the caller’s fault', async (t) => {
  const { port, hanging } = await openTestFront(t, { limits: SLOW })
  const socket = tls(port)
  const answer = heard(socket, POST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  for (let sent = 0; sent < 10_000; sent += 1_000) {
    socket.write('x'.repeat(1_000))
    await setTimeout(40)
  }
  assert.match(await answer, /read$/)

  const waiting = heard(tls(port), GET.replace('GET /', 'GET /hang'))
  await setTimeout(500)
  hanging[0]?.end('at last')
  assert.match(await waiting, /at last$/)
})

test('headers that do not come to an end are not waited for', async (t) => {
  const { port } = await openTestFront(t, { plain: true, limits: { headerMs: 200 } })
  const answer = await heard(connectPlain(port, '127.0.0.1'), 'GET / HTTP/1.1\r\nHost: a.exam')
  assert.match(answer, /^HTTP\/1.1 408/)
})

for (const plain of [true, false]) {
  test(`no request is lost when a front is closed while callers keep calling, ${plain ? 'without' : 'with'} TLS`, async (t) => {
    const test = await openTestFront(t, { plain, farewellMs: 500 })
    const agent = new (plain ? Agent : SecureAgent)({ keepAlive: true, maxSockets: 4 })
    t.after(() => agent.destroy())
    let isClosing = false
    let served = 0
    const failures: string[] = []
    const caller = async () => {
      for (;;) {
        const outcome = await new Promise<string>((resolve) => {
          const sending = (plain ? request : secureRequest)({
            ...{ port: test.port, host: '127.0.0.1', agent, headers: { host: 'a.example' } },
            ...{ servername: 'a.example', rejectUnauthorized: false },
          })
          sending.on('response', (response) => {
            response.resume().on('end', () => resolve('served'))
          })
          sending.on('error', (error) => resolve('code' in error ? String(error.code) : ''))
          sending.end()
        })
        if (outcome === 'served') served += 1
        else {
          // A new connection may be refused when it is closing: the caller goes to another front.
          if (!(isClosing && outcome === 'ECONNREFUSED')) failures.push(outcome)
          return
        }
      }
    }
    const callers = [1, 2, 3, 4].map(caller)
    // Until they are well under way, however slow the machine is.
    await until(() => served > 10 || failures.length > 0)
    await setTimeout(100)
    isClosing = true
    const before = served
    await test.front.close()
    await Promise.all(callers)
    assert.deepEqual(failures, [])
    assert.ok(before > 10 && served >= before, `${before} ${served}`)
  })
}

test('over HTTP/2 a front that closes lets streams come to their end and takes no more', async (t) => {
  const { port, front, hanging } = await openTestFront(t, { farewellMs: 100 })
  const session = connectHttp2(`https://a.example:${port}`, {
    lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    rejectUnauthorized: false,
  })
  session.on('error', () => undefined)
  const stream = session.request({ ':path': '/hang' })
  let body = ''
  stream.on('data', (chunk: Buffer) => {
    body += chunk.toString()
  })
  while (hanging.length === 0) await setTimeout(5)
  const told = new Promise((resolve) => session.once('goaway', resolve))
  const closing = front.close()
  await told
  hanging[0]?.end('whole')
  await new Promise((resolve) => stream.once('close', resolve))
  await closing
  assert.equal(body, 'whole')
})
