import assert from 'node:assert/strict'
import {
  type ClientHttp2Session,
  connect,
  type OutgoingHttpHeaders,
  type IncomingHttpHeaders,
} from 'node:http2'
import { test, type TestContext } from 'node:test'
import { type Door, openDoor, tokenOf, until } from './door.test-support.ts'
import { certificates } from './network-attacks.test-support.ts'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function session(t: TestContext, door: Door, host = 'acme.example') {
  const port = await door.front({ certificates })
  const client = connect(`https://${host}:${port}`, {
    lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    rejectUnauthorized: false,
  })
  client.on('error', () => undefined)
  t.after(() => client.destroy())
  return client
}

/** One request; status 0 when its stream was refused. */
function ask(client: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string) {
  return new Promise<Answer>((resolve) => {
    const stream = client.request(
      { authorization: `Bearer ${tokenOf('acme')}`, ...headers },
      { endStream: body === undefined },
    )
    let text = ''
    let answer: IncomingHttpHeaders = {}
    stream.on('response', (fields) => {
      answer = fields
    })
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    stream.on('error', () => undefined)
    stream.on('close', () =>
      resolve({ status: Number(answer[':status'] ?? 0), headers: answer, body: text }),
    )
    if (body !== undefined) stream.end(body)
  })
}

test('a request over HTTP/2 reaches the service as one of HTTP/1.1, cookies in one field', async (t) => {
  const door = await openDoor(t)
  const client = await session(t, door)
  const { status, headers, body } = await ask(client, {
    ':path': '/clinic/x?a=1',
    ':authority': 'acme.example',
    cookie: ['a=1', 'b=2'],
    'x-kept': 'yes',
  })
  assert.equal(status, 200, body)
  assert.equal(body, 'ok')
  assert.ok(headers['x-request-id'])
  const [seen] = door.upstream.seen
  assert.equal(seen?.url, '/clinic/x?a=1')
  assert.equal(seen?.headers['cookie'], 'a=1; b=2')
  assert.equal(seen?.headers['x-kept'], 'yes')
  assert.match(seen?.headers['forwarded'] ?? '', /host="acme\.example"/)
  assert.ok(!Object.keys(seen?.headers ?? {}).some((name) => name.startsWith(':')))
})

test('a body over HTTP/2 arrives whole, whether or not its length was said', async (t) => {
  const door = await openDoor(t)
  const client = await session(t, door)
  const body = 'x'.repeat(70_000)
  const post = { ':method': 'POST', ':path': '/clinic/upload', ':authority': 'acme.example' }
  for (const length of [{}, { 'content-length': String(body.length) }]) {
    const { status } = await ask(client, { ...post, ...length }, body)
    assert.equal(status, 200)
  }
  assert.deepEqual(
    door.upstream.seen.map((seen) => seen.body.length),
    [body.length, body.length],
  )
  const tooLarge = await ask(client, post, 'x'.repeat(200_000))
  assert.ok(tooLarge.status === 413 || tooLarge.status === 0, String(tooLarge.status))
})

test('repeated fields of an answer, and its refusals, come over HTTP/2 as they do over HTTP/1.1', async (t) => {
  const door = await openDoor(t)
  const client = await session(t, door)
  const cookies = await ask(client, { ':path': '/clinic/cookies', ':authority': 'acme.example' })
  assert.deepEqual(cookies.headers['set-cookie'], ['a=1', 'b=2'])
  const boast = await ask(client, { ':path': '/clinic/boast', ':authority': 'acme.example' })
  assert.equal(boast.status, 200)
  assert.equal(boast.headers['x-kept'], '1')
  assert.equal(boast.headers['x-hop'], undefined)
  const refused = await ask(client, {
    ':path': '/clinic/x',
    ':authority': 'acme.example',
    authorization: 'Bearer nonsense',
  })
  assert.equal(refused.status, 401)
  assert.match(refused.body, /not_authenticated/)
})

for (const [title, headers, statuses] of [
  ['two authorities', { ':authority': 'acme.example', host: 'globex.example' }, [400]],
  ['another authority than the handshake’s', { ':authority': 'globex.example' }, [401, 421]],
  ['an authority with a user', { ':authority': 'x@acme.example' }, [400, 0]],
  ['an absolute path', { ':path': 'https://acme.example/clinic/x' }, [400, 0]],
  ['dot segments', { ':path': '/clinic/../clinic/x' }, [400]],
  ['an encoded slash', { ':path': '/clinic%2fx' }, [400]],
  ['a method that is not served', { ':method': 'TRACE' }, [400, 405]],
  ['a tunnel', { ':method': 'CONNECT', ':path': undefined, ':scheme': undefined }, [400, 405, 0]],
] as const) {
  test(`${title}: refused over HTTP/2, and no service hears of it`, async (t) => {
    const door = await openDoor(t)
    const client = await session(t, door)
    const { status } = await ask(client, {
      ':path': '/clinic/x',
      ':authority': 'acme.example',
      ...headers,
    })
    assert.ok((statuses as readonly number[]).includes(status), String(status))
    assert.equal(door.upstream.seen.length, 0)
  })
}

test('two equal authorities are one', async (t) => {
  const door = await openDoor(t)
  const client = await session(t, door)
  const { status } = await ask(client, {
    ':path': '/clinic/x',
    ':authority': 'acme.example',
    host: 'acme.example',
  })
  assert.equal(status, 200)
})

test('a caller who goes away in the middle ends its request at the service', async (t) => {
  const door = await openDoor(t)
  const client = await session(t, door)
  void ask(client, { ':path': '/clinic/hang', ':authority': 'acme.example' })
  await until(() => door.upstream.hanging.length === 1)
  client.destroy()
  await until(() => door.upstream.seen[0]?.aborted === true)
  await until(() => door.lines.length === 1)
})
