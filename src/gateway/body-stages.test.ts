import assert from 'node:assert/strict'
import { Transform } from 'node:stream'
import { type TestContext, test } from 'node:test'
import type { BodyHead, BodyStage } from './body.ts'
import { GATEWAY_CHECKS } from './checks.ts'
import { Denial } from './denial.ts'
import { openDoor, tokenOf, until } from './door.test-support.ts'
import type { Exchange } from './exchange.ts'

const token = tokenOf('acme')
const path = (name: string) => `/t/acme/clinic/${name}`

test('a stage changes a body on its way, and what was said of the body is not said any more', async (t) => {
  const { door } = await staged(t, { bodyStages: [upper, () => undefined, doubled] })
  const { status } = await door.ask({
    path: path('upload'),
    method: 'POST',
    token,
    body: 'abc',
    headers: ['Content-Digest', 'sha-256=:x:', 'Content-Type', 'text/plain'],
  })
  assert.equal(status, 200)
  const [seen] = door.upstream.seen
  assert.equal(seen?.body, 'AABBCC')
  assert.equal(seen.headers['transfer-encoding'], 'chunked')
  assert.equal(seen.headers['content-length'], undefined)
  assert.equal(seen.headers['content-digest'], undefined)
  assert.equal(seen.headers['content-type'], 'text/plain')
})

test('a stage changes an answer, and its length, digest and parts are not said any more', async (t) => {
  const { door } = await staged(t, { answerStages: [upper] })
  const { body, headers } = await door.ask({ path: path('facts'), token })
  assert.equal(body, 'FACTS')
  assert.equal(headers['content-length'], undefined)
  assert.equal(headers['etag'], undefined)
  assert.equal(headers['accept-ranges'], undefined)
  assert.equal(headers['content-digest'], undefined)
  assert.equal(headers['content-type'], 'text/plain; charset="UTF-8"')
})

test('a stage is told what the head of a message says, and no stage is made where there is no body', async (t) => {
  const heads: BodyHead[] = []
  const note: BodyStage = (head) => void heads.push(head)
  const { door } = await staged(t, { bodyStages: [note], answerStages: [note] })
  await door.ask({
    path: path('facts'),
    method: 'POST',
    token,
    body: 'abc',
    headers: ['Content-Type', 'Application/JSON; charset=Latin1', 'Content-Encoding', 'gzip'],
  })
  const charset = 'utf-8'
  assert.deepEqual(heads, [
    { mediaType: 'application/json', charset: 'latin1', coding: 'gzip', length: 3 },
    { mediaType: 'text/plain', charset, coding: '', length: 5 },
  ])
  heads.length = 0
  const { headers, body } = await door.ask({ path: path('facts'), method: 'HEAD', token })
  assert.deepEqual(heads, [{ mediaType: 'text/plain', charset, coding: '', length: 5 }])
  assert.equal(headers['content-length'], '5')
  assert.equal(body, '')
})

test('a stage that refuses a request by its head or its bytes gives the problem', async (t) => {
  const denial = new Denial('forbidden', 'not this', 'tried')
  const byHead: BodyStage = () => {
    throw denial
  }
  for (const stage of [byHead, failing(denial)]) {
    const { door } = await staged(t, { bodyStages: [stage] })
    const reply = await door.ask({ path: path('upload'), method: 'POST', token, body: 'abc' })
    assert.equal(reply.status, 403)
    assert.match(reply.body, /not this/)
    await until(() => door.upstream.seen.every(({ aborted }) => aborted))
    assert.ok(door.lines.some((line) => line.includes('"reason":"tried"')))
  }
})

test('a stage that refuses an answer gives the problem, whole, before the first byte', async (t) => {
  const denial = new Denial('forbidden', 'not this', 'tried')
  const byHead: BodyStage = () => {
    throw denial
  }
  const atEnd: BodyStage = () =>
    new Transform({
      transform: (_chunk, _encoding, done) => done(),
      flush: (done) => done(denial),
    })
  for (const stage of [byHead, failing(denial), atEnd]) {
    const { door, ended } = await staged(t, { answerStages: [stage] })
    const reply = await door.ask({ path: path('facts'), token })
    assert.equal(reply.status, 403)
    assert.equal(reply.headers['content-type'], 'application/problem+json')
    assert.match(reply.body, /not this/)
    assert.deepEqual(ended, [{ request: 0, answer: 0 }])
  }
})

test('a stage that refuses an answer midway cuts it off', async (t) => {
  const second: BodyStage = () => {
    let chunks = 0
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        chunks += 1
        if (chunks === 1) done(undefined, chunk)
        else done(new Denial('forbidden', 'not this', 'tried'))
      },
    })
  }
  const { door } = await staged(t, { answerStages: [second] })
  const asking = door.ask({ path: path('drip'), token })
  await until(() => door.upstream.hanging.length === 1)
  await new Promise((resolve) => setTimeout(resolve, 20))
  door.upstream.hanging[0]?.end('more')
  await assert.rejects(asking)
  await until(() => door.lines.some((line) => line.includes('"reason":"tried"')))
})

test('a stage that breaks lets nothing pass', async (t) => {
  const broken = failing(new TypeError('broken'))
  const before = await staged(t, { bodyStages: [broken] })
  const sent = await before.door.ask({ path: path('upload'), method: 'POST', token, body: 'abc' })
  assert.equal(sent.status, 500)
  assert.ok(!sent.body.includes('broken'))
  const after = await staged(t, { answerStages: [broken] })
  const got = await after.door.ask({ path: path('facts'), token })
  assert.equal(got.status, 500)
  assert.ok(!got.body.includes('facts'))
})

test('of an answer with stages no part is asked for, and none that comes is passed on', async (t) => {
  const { door } = await staged(t, { answerStages: [upper] })
  const headers = ['Range', 'bytes=0-1', 'If-Range', '"a"']
  assert.equal((await door.ask({ path: path('x'), token, headers })).status, 200)
  assert.equal(door.upstream.seen[0]?.headers['range'], undefined)
  assert.equal(door.upstream.seen[0]?.headers['if-range'], undefined)
  assert.equal((await door.ask({ path: path('part'), token })).status, 502)
})

test('the bytes of both bodies are known when a request has ended', async (t) => {
  const { door, ended } = await staged(t, {})
  await door.ask({ path: path('upload'), method: 'POST', token, body: 'abcde' })
  await until(() => ended.length === 1)
  assert.deepEqual(ended[0], { request: 5, answer: 'uploaded'.length })
})

const upper: BodyStage = () => mapped((text) => text.toUpperCase())
const doubled: BodyStage = () => mapped((text) => text.replaceAll(/./g, '$&$&'))

function mapped(change: (text: string) => string): Transform {
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(undefined, change(chunk.toString())),
  })
}

const failing =
  (error: Error): BodyStage =>
  () =>
    new Transform({ transform: (_chunk, _encoding, done) => done(error) })

/** A door whose last check adds stages, and the bytes of each request at its end. */
async function staged(
  t: TestContext,
  stages: Partial<Pick<Exchange, 'bodyStages' | 'answerStages'>>,
) {
  const ended: { request: number; answer: number }[] = []
  const door = await openDoor(t, {
    checks: [
      ...GATEWAY_CHECKS,
      {
        name: 'stages-of-the-test',
        run(exchange) {
          exchange.bodyStages.push(...(stages.bodyStages ?? []))
          exchange.answerStages.push(...(stages.answerStages ?? []))
          exchange.onEnd.push(() => ended.push({ ...exchange.bytes }))
        },
      },
    ],
  })
  return { door, ended }
}
