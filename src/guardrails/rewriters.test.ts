import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EventsRewriter } from './events-rewriter.ts'
import { FormRewriter } from './form-rewriter.ts'
import { LinesRewriter } from './lines-rewriter.ts'
import { type Rewriter, Unreadable } from './rewriter.ts'
import { TextWindow } from './text-window.ts'
import { TopicBook } from './topics.ts'
import { REDACT, through, verdictOf } from './verdict.test-support.ts'

const text = (): Rewriter => new TextWindow(verdictOf())
const form = (): Rewriter => new FormRewriter(verdictOf())
const events = (): Rewriter => new EventsRewriter(verdictOf())
const lines = (): Rewriter => new LinesRewriter(verdictOf())

test('each format is redacted in its own way, whole or in single characters', () => {
  for (const [make, given, expected] of [
    [text, 'SSN 123-45-6789 and ann@example.com.', 'SSN [ssn] and [email].'],
    [text, 'SSN １２３-４５-６７８９', 'SSN [ssn]'],
    [text, '{"a":"\\u0031\\u0032\\u0033-45-6789"}', '{"a":"[ssn]"}'],
    [text, '%31%32%33-45-6789', '[ssn]'],
    [text, '&#49;23-45-6789', '[ssn]'],
    [text, 'card %4111111111111111', 'card %[card]'],
    [form, 'note=SSN+123-45-6789&x=1', 'note=SSN%20%5Bssn%5D&x=1'],
    [form, 'ssn=123456789&name=a+b', 'ssn=%5Bssn%5D&name=a+b'],
    [form, '%73sn=1%3234%356789', '%73sn=%5Bssn%5D'],
    [form, 'ann%40example.com=1&&y', '%5Bemail%5D=1&&y'],
    [form, 'j={"card":4111111111111111}', `j=${encodeURIComponent('{"card":"[card]"}')}`],
    [lines, '{"ssn":123456789}\n\n{"a":1}\r\n{"b":2}', '{"ssn":"[ssn]"}\n\n{"a":1}\r\n{"b":2}'],
    [events, 'event: x\ndata: {"t":"123-45-6789"}\n\n', 'event: x\ndata: {"t":"[ssn]"}\n\n'],
    [events, 'data: SSN 123\r\ndata: x\r\n\r\n: hi\n\n', 'data: SSN 123\ndata: x\n\n: hi\n\n'],
    [events, 'data: call +1 212\ndata: 555 0123\n\n', 'data: call [phone]\n\n'],
    [events, 'id: 123-45-6789\ndata:[DONE]\n\n', 'id: [ssn]\ndata:[DONE]\n\n'],
    [events, 'data: 123-45-6789', 'data: [ssn]'],
  ] as const) {
    assert.equal(through(make(), given), expected)
    assert.equal(through(make(), given, [1]), expected, `in single characters: ${given}`)
  }
})

test('what is not what it says is refused', () => {
  for (const [make, given] of [
    [form, 'a=%zz'],
    [form, 'a=%ff'],
    [form, `a=${'x'.repeat(70_000)}`],
    [lines, '{"a":1}\n{'],
    [lines, 'plain\n'],
    [events, `data: ${'x'.repeat(300_000)}`],
  ] as const) {
    assert.throws(() => through(make(), given, [10_000]), Unreadable, given.slice(0, 20))
  }
})

const piece = fc.oneof(
  fc.constantFrom(
    'SSN 123-45-6789',
    'ann.lee@example.com',
    'call +49 30 901820 now',
    'DOB: 12 March 1980',
    'Dr. Ada Moreau',
    'MRN # 00123456',
    '%31%32%33-45-6789',
    '1\u200b23-45-67\u200d89',
    '4111-1111-1111-1111',
  ),
  fc.string({ maxLength: 30 }),
  fc.constantFrom(
    'a'.repeat(700),
    ' '.repeat(900),
    '1'.repeat(200),
    '\u200b'.repeat(500),
    'word '.repeat(300),
  ),
)

test('wherever the pieces of a text end, the same comes out', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 20 }),
      (pieces, lengths) => {
        const given = pieces.join(' ; ')
        assert.equal(through(text(), given, lengths), through(text(), given, [given.length]))
      },
    ),
    { numRuns: 200 },
  )
})

test('what has passed is bounded behind: a text streams on, and what nobody sees is no hiding place', () => {
  const window = text()
  let passed = 0
  for (let n = 0; n < 1_000; n += 1) {
    passed += window.push('a few words more, and so on. ').length
    assert.ok(n * 29 - passed < 8_000)
  }
  assert.throws(() => {
    const hidden = text()
    for (let n = 0; n < 400; n += 1) hidden.push('\u200b'.repeat(1_000))
  }, Unreadable)
})

/** Counts what it is asked to look at. */
class CountingTopics extends TopicBook {
  characters = 0

  override get isEmpty(): boolean {
    return false
  }

  override find(given: string): [] {
    this.characters += given.length
    return []
  }
}

test('what comes in crumbs is looked at no more often than what comes whole', () => {
  for (const make of [TextWindow, FormRewriter, LinesRewriter, EventsRewriter]) {
    const topics = new CountingTopics([])
    const rewriter = new make(verdictOf({ ...REDACT, kinds: [], topics }))
    const whole = '{"a":1}&\n\n'.repeat(2_000)
    for (const crumb of whole) {
      try {
        rewriter.push(crumb)
      } catch {
        break
      }
    }
    assert.ok(topics.characters < whole.length * 4, make.name)
  }
})
