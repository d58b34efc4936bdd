import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough, Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { type MessageHead } from './message.ts'
import type { Direction, Rules } from './rules.ts'
import { decodingStage, lookingStage, needsDecoding, sizeStage, typeStage } from './stages.ts'
import { REDACT, rulesOf } from './verdict.test-support.ts'

const BLOCK = rulesOf({ kind: 'pii', find: ['ssn'], action: 'block' })
const FLAG = rulesOf({ kind: 'pii', find: ['ssn'], action: 'flag' })

const head = (change: Partial<MessageHead> = {}): MessageHead => ({
  mediaType: 'application/json',
  charset: undefined,
  coding: '',
  length: undefined,
  ...change,
})

interface Sent {
  readonly head?: Partial<MessageHead>
  readonly direction?: Direction
  readonly tally?: Map<string, number>
}

/** What of a body comes through all stages. */
async function passes(rules: Rules, chunks: readonly (string | Buffer)[], sent: Sent = {}) {
  const { direction = 'request', tally = new Map<string, number>() } = sent
  const about = head(sent.head)
  const stages: Transform[] = [
    sizeStage(about, rules, direction),
    typeStage(about, rules, direction),
    needsDecoding(about, rules) ? decodingStage(about.coding, direction) : undefined,
    lookingStage(about, rules, direction, tally),
  ].flatMap((stage) => stage ?? [])
  const out: Buffer[] = []
  const sink = new PassThrough()
  sink.on('data', (chunk: Buffer) => out.push(chunk))
  await pipeline([Readable.from(chunks.map((one) => Buffer.from(one))), ...stages, sink])
  return Buffer.concat(out).toString()
}

const SECRET = '{"ssn":"123-45-6789"}'
const CLEAN = '{"ssn":"[ssn]"}'

test('a body is looked at through its content coding', async () => {
  for (const [coding, code] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['GZIP', gzipSync],
  ] as const) {
    assert.equal(await passes(REDACT, [code(SECRET)], { head: { coding } }), CLEAN)
  }
  const long = JSON.stringify(Array(20_000).fill('some text'))
  assert.equal(await passes(REDACT, [gzipSync(long)], { head: { coding: 'gzip' } }), long)
})

test('what cannot be looked at is refused where something is redacted or blocked', async () => {
  for (const [change, body] of [
    [{ mediaType: '' }, SECRET],
    [{ mediaType: 'application/octet-stream' }, SECRET],
    [{ mediaType: 'multipart/form-data' }, SECRET],
    [{ mediaType: 'application/xml' }, SECRET],
    [{ mediaType: 'constructor' }, SECRET],
    [{ charset: 'utf-16' }, SECRET],
    [{ charset: 'iso-8859-1' }, SECRET],
    [{ coding: 'zstd' }, SECRET],
    [{ coding: 'gzip, gzip' }, gzipSync(gzipSync(SECRET))],
    [{ coding: 'gzip' }, SECRET],
    [{ coding: 'gzip' }, gzipSync(SECRET).subarray(0, 20)],
    [{}, `\ufeff${SECRET}`],
    [{}, Buffer.from(SECRET, 'utf16le')],
    [{ mediaType: 'text/plain' }, Buffer.from(SECRET, 'utf16le')],
    [{ mediaType: 'text/plain' }, Buffer.from([0x31, 0xff, 0x32])],
    [{ mediaType: 'text/plain' }, Buffer.from([0x31, 0xc3])],
    [{}, '{"a":1,"a":2}'],
    [{}, `${SECRET}${SECRET}`],
  ] as const) {
    for (const rules of [REDACT, BLOCK]) {
      const code = /^(?:unsupported_media_type|invalid_argument|content_refused)$/
      await assert.rejects(passes(rules, [body], { head: change }), { code })
      await assert.rejects(passes(rules, [body], { head: change, direction: 'response' }), {
        code: 'upstream_failed',
      })
    }
  }
})

test('where it would only be counted it passes as it came, and the count says so', async () => {
  const tally = new Map<string, number>()
  assert.equal(await passes(FLAG, [SECRET], { tally }), SECRET)
  assert.equal(await passes(FLAG, ['{"a":', '123-45-6789'], { tally }), '{"a":123-45-6789')
  assert.equal(await passes(FLAG, ['x'], { tally, head: { mediaType: 'image/png' } }), 'x')
  assert.deepEqual(Object.fromEntries(tally), {
    'request:ssn:flag': 1,
    'request:unreadable:flag': 2,
  })
})

test('of a short body that is refused not one byte has passed', async () => {
  for (const mediaType of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
    const stage = lookingStage(head({ mediaType }), BLOCK, 'request', new Map())
    assert.ok(stage !== undefined)
    let passed = 0
    stage.on('data', (chunk: Buffer) => (passed += chunk.length))
    const failed = once(stage, 'error')
    stage.write(`[${'"words, and more words",'.repeat(2_000)}`)
    stage.end('"123-45-6789"]')
    await failed
    assert.equal(passed, 0, mediaType)
  }
})

test('events pass as they come to their end, before the next is there', async () => {
  const stage = lookingStage(head({ mediaType: 'text/event-stream' }), BLOCK, 'response', new Map())
  assert.ok(stage !== undefined)
  stage.write('data: one\n\ndata: tw')
  const [chunk]: unknown[] = await once(stage, 'data')
  assert.equal(String(chunk), 'data: one\n\n')
  const failed = once(stage, 'error')
  stage.write('o 123-45-6789\n\n')
  await failed
})

test('a few bytes that become very many are refused', async () => {
  // Text that is written again and again is coded well, too, and passes.
  const rows = JSON.stringify(Array.from({ length: 30_000 }, () => ({ name: 'x', value: 1 })))
  assert.equal(await passes(REDACT, [gzipSync(rows)], { head: { coding: 'gzip' } }), rows)
  const bomb = gzipSync(Buffer.alloc(8 * 1_048_576, 'a'))
  await assert.rejects(
    passes(REDACT, [bomb], { head: { mediaType: 'text/plain', coding: 'gzip' } }),
    { code: 'too_large' },
  )
})

test('a reader that stops makes the decoder stop', async () => {
  const stage = decodingStage('gzip', 'request')
  assert.ok(stage !== undefined)
  const taken = new Promise<boolean>((resolve) => {
    stage.write(gzipSync(Buffer.alloc(20 * 1_048_576, 'a')), () => resolve(true))
  })
  const first = once(stage, 'readable')
  await first
  const left = await Promise.race([
    taken,
    new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
  ])
  assert.equal(left, false)
  assert.ok(stage.readableLength < 1_048_576)
  stage.destroy()
})

test('size and type are held in both directions', async () => {
  const rules = rulesOf(
    { kind: 'size', bytes: 5 },
    { kind: 'content-types', allow: ['application/*'] },
  )
  assert.equal(await passes(rules, ['12', '345']), '12345')
  for (const [direction, size, type] of [
    ['request', 'too_large', 'unsupported_media_type'],
    ['response', 'upstream_failed', 'upstream_failed'],
  ] as const) {
    await assert.rejects(passes(rules, ['123', '456'], { direction }), { code: size })
    await assert.rejects(passes(rules, ['1'], { direction, head: { length: 6 } }), { code: size })
    await assert.rejects(passes(rules, ['1'], { direction, head: { mediaType: 'text/plain' } }), {
      code: type,
    })
    await assert.rejects(passes(rules, ['1'], { direction, head: { mediaType: '' } }), {
      code: type,
    })
  }
})

test('an answer without a body is not refused for what it does not say', async () => {
  assert.equal(await passes(REDACT, [], { direction: 'response', head: { mediaType: '' } }), '')
  assert.equal(await passes(REDACT, [], { direction: 'response' }), '')
})

test('a message without rules has no stages', () => {
  const none = rulesOf({ kind: 'tools', allow: ['x'] })
  assert.equal(sizeStage(head(), none, 'request'), undefined)
  assert.equal(typeStage(head(), none, 'request'), undefined)
  assert.equal(needsDecoding(head({ coding: 'gzip' }), none), false)
  assert.equal(lookingStage(head(), none, 'request', new Map()), undefined)
})
