import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestFront } from './front.test-support.ts'
import {
  END_HEADERS,
  END_STREAM,
  fields,
  FRAME,
  frame,
  head,
  sendFrames,
} from './raw-http2.test-support.ts'

const whole = END_HEADERS | END_STREAM
const isAnswered = (frames: readonly { readonly type: number; readonly stream: number }[]) =>
  frames.some(
    ({ type, stream }) => stream === 1 && (type === FRAME.headers || type === FRAME.reset),
  )

test('a request as frames is served', async (t) => {
  const front = await openTestFront(t)
  const request = frame(FRAME.headers, whole, 1, fields(head('/', 'a.example')))
  const { frames } = await sendFrames(front.port, 'a.example', [request], isAnswered)
  assert.ok(frames.some(({ type, stream }) => type === FRAME.headers && stream === 1))
  assert.equal(front.seen.length, 1)
})

for (const [title, pairs] of [
  ['a name in upper case', head('/', 'a.example', [['X-Tenant', 'b']])],
  ['a field of one connection', head('/', 'a.example', [['connection', 'x-context']])],
  ['a transfer coding', head('/', 'a.example', [['transfer-encoding', 'chunked']])],
  ['an upgrade', head('/', 'a.example', [['upgrade', 'websocket']])],
  ['te with something else in it', head('/', 'a.example', [['te', 'gzip']])],
  ['a pseudo-field that is unknown', head('/', 'a.example', [[':tenant', 'b']])],
  ['a pseudo-field after others', [['x-a', '1'], ...head('/', 'a.example')]],
  ['a pseudo-field twice', head('/', 'a.example', [[':authority', 'b.example']])],
  ['a path twice', head('/', 'a.example', [[':path', '/b']])],
  ['no path', head('/', 'a.example').filter(([name]) => name !== ':path')],
  ['a line end in a path', head('/ HTTP/1.1\r\nHost: b', 'a.example')],
] as const) {
  test(`${title}: refused, and nobody is asked`, async (t) => {
    const front = await openTestFront(t)
    const request = frame(FRAME.headers, whole, 1, fields(pairs))
    const { frames } = await sendFrames(front.port, 'a.example', [request], isRefused)
    assert.ok(!frames.some(({ type }) => type === FRAME.headers), JSON.stringify(frames))
    assert.equal(front.seen.length, 0)
  })
}

test('fields that no reader of HTTP/1.1 would read as one do not arrive', async (t) => {
  const front = await openTestFront(t)
  const more = [
    ['x-a', '1\r\nx-tenant: b'],
    ['x-a', '1\0'],
    ['x:a', '1'],
    ['x a', '1'],
    ['', '1'],
  ] as const
  const request = frame(FRAME.headers, whole, 1, fields(head('/', 'a.example', more)))
  await sendFrames(front.port, 'a.example', [request], isAnswered)
  assert.ok(!front.fields.some((text) => /^x|^$|1/.test(text)), front.fields.join())
})

/** Whether a stream or the connection was refused, or answered: with 431, as nobody is asked. */
const isRefused = (frames: readonly { readonly type: number }[]) =>
  frames.some(({ type }) => [FRAME.reset, FRAME.goaway, FRAME.headers].includes(type))
const never = () => false

test('a flood of requests that are taken back at once ends the connection', async (t) => {
  const front = await openTestFront(t)
  const cancel = Buffer.from([0, 0, 0, 8])
  const flood = Array.from({ length: 2_000 }, (_, index) => index * 2 + 1).flatMap((stream) => [
    frame(FRAME.headers, whole, stream, fields(head('/hang', 'a.example'))),
    frame(FRAME.reset, 0, stream, cancel),
  ])
  const { closed } = await sendFrames(front.port, 'a.example', flood, never)
  assert.ok(closed)
  assert.ok(front.seen.length < 1_000, String(front.seen.length))
})

test('heads without an end or a measure, and floods of settings and pings, come to nothing', async (t) => {
  const front = await openTestFront(t)
  const floods = {
    head: [
      frame(FRAME.headers, END_STREAM, 1, fields(head('/', 'a.example'))),
      ...Array.from({ length: 2_000 }, () =>
        frame(FRAME.continuation, 0, 1, fields([['x-a', 'b'.repeat(1_000)]])),
      ),
    ],
    settings: [frame(FRAME.settings, 0, 0, Buffer.alloc(6 * 64, 1))],
    pings: Array.from({ length: 20_000 }, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))),
    'a head beyond measure': [
      frame(FRAME.headers, END_STREAM, 1, fields(head('/', 'a.example'))),
      ...Array.from({ length: 4 }, () =>
        frame(FRAME.continuation, 0, 1, fields([['x-a', 'b'.repeat(16_000)]])),
      ),
      frame(FRAME.continuation, END_HEADERS, 1, fields([['x-z', '1']])),
    ],
  }
  for (const flood of Object.values(floods)) {
    await sendFrames(front.port, 'a.example', flood, isRefused)
  }
  assert.equal(front.seen.length, 0)
})
