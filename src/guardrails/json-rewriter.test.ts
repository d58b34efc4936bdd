import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { digitsOf } from './json-token.ts'
import { JsonRewriter } from './json-rewriter.ts'
import { Unreadable } from './rewriter.ts'
import { REDACT, rulesOf, through, verdictOf } from './verdict.test-support.ts'

const redacted = (text: string, lengths?: readonly number[]) =>
  through(new JsonRewriter(verdictOf()), text, lengths)

test('what is found in strings, numbers and keys is redacted, and the rest is as it was', () => {
  for (const [text, expected] of [
    ['{"note":"SSN 123-45-6789, ok"}', '{"note":"SSN [ssn], ok"}'],
    ['{ "ssn" : 123456789 , "n": 1.50 }', '{ "ssn" : "[ssn]" , "n": 1.50 }'],
    ['{"card":4111111111111111}', '{"card":"[card]"}'],
    ['{"card":4.111111111111111e15}', '{"card":"[card]"}'],
    ['{"card":41111111111111110E-1}', '{"card":"[card]"}'],
    ['{"ann@example.com":1,"bob@example.com":2}', '{"[email]":1,"[email]-2":2}'],
    ['["\\u0031\\u0032\\u0033-45-6789"]', '["[ssn]"]'],
    ['"123\\u200b-45-6789"', '"[ssn]"'],
    ['{"ssn":["123456789",["987654320"]]}', '{"ssn":["[ssn]",["987654320"]]}'],
    [
      '{"patient":{"firstName":"ada","mrn":"A-123456","dateOfBirth":"1980-03-12"}}',
      '{"patient":{"firstName":"[name]","mrn":"[mrn]","dateOfBirth":"[birth-date]"}}',
    ],
    ['[true,false,null,-0,1e5,"",{},[]]', '[true,false,null,-0,1e5,"",{},[]]'],
    ['{"inner":"{\\"card\\":4111111111111111}"}', '{"inner":"{\\"card\\":\\"[card]\\"}"}'],
    ['{"inner":"[not JSON] 123-45-6789"}', '{"inner":"[not JSON] [ssn]"}'],
    ['"\\\\"', '"\\\\"'],
    ['"a\\\\\\"b"', '"a\\\\\\"b"'],
    [' 12 ', ' 12 '],
  ] as const) {
    assert.equal(redacted(text), expected)
    assert.equal(redacted(text, [1]), expected, `in single characters: ${text}`)
  }
})

test('what parsers disagree about is refused', () => {
  for (const text of [
    '',
    '{',
    '{"a":1',
    '{"a":1,}',
    '[1,]',
    '[1 2]',
    '{"a" 1}',
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"a":{"b":1,"b":2}}',
    '{1:2}',
    '01',
    '1.',
    '+1',
    'NaN',
    'tru',
    "'a'",
    '"\\x41"',
    '"a\nb"',
    '"\\u12"',
    '{} {}',
    '1 2',
    '// x\n1',
    '[}',
    '{]',
    ']',
    ',',
    ':',
    `${'['.repeat(65)}${']'.repeat(65)}`,
  ]) {
    for (const lengths of [[text.length], [1]]) {
      assert.throws(() => redacted(text, lengths), Unreadable, text)
    }
  }
})

const secret = fc.constantFrom(
  'SSN 123-45-6789',
  'ann.lee@example.com',
  '4111 1111 1111 1111',
  'DE89 3704 0044 0532 0130 00',
  'plain',
  'ünïcödé 😀',
  '\\ " \u0007',
)
const value = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    secret,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(secret, fc.string({ maxLength: 5 })), tie('node'), { maxKeys: 4 }),
  ),
})).node

test('wherever the pieces of a document end, the same comes out, as JSON of the same shape', () => {
  fc.assert(
    fc.property(
      value,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      fc.boolean(),
      (document, lengths, isWide) => {
        const text = JSON.stringify(document, undefined, isWide ? 2 : 0)
        const whole = redacted(text)
        assert.equal(redacted(text, lengths), whole)
        assert.doesNotMatch(whole, /123-45|ann\.lee|4111 1111|3704 0044/)
        assert.equal(shapeOf(JSON.parse(whole)), shapeOf(document))
      },
    ),
    { numRuns: 300 },
  )
})

function shapeOf(node: unknown): string {
  if (Array.isArray(node)) return `[${node.map(shapeOf).join()}]`
  if (typeof node === 'object' && node !== null)
    return `{${Object.values(node).map(shapeOf).sort().join()}}`
  // A number under a key that says what it is may be somebody's: then a word is in its place.
  return typeof node === 'number' ? 'string' : typeof node
}

test('a string that is too long to be held is looked at through a window', () => {
  const filler = 'lorem ipsum \\u00e9 "quoted" \\ '.repeat(8_000)
  const document = { note: `${filler}SSN 123-45-6789 ${filler}`, after: 'ann.lee@example.com' }
  const text = JSON.stringify(document)
  for (const lengths of [[text.length], [7_001], [65_536], [997]]) {
    const out: unknown = JSON.parse(redacted(text, lengths))
    assert.deepEqual(out, { note: `${filler}SSN [ssn] ${filler}`, after: '[email]' })
  }
})

test('a blocked thing is refused by its kind, and nothing of it is told', () => {
  const rules = rulesOf({ kind: 'pii', find: ['ssn'], action: 'block' })
  const rewriter = new JsonRewriter(verdictOf(rules))
  assert.throws(() => rewriter.push('{"a":"123-45-6789"}'), {
    code: 'content_refused',
    message: 'the body holds what a guardrail refuses: ssn',
  })
})

test('a whole number has the same digits however it is written', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 10n ** 19n }),
      fc.integer({ min: 0, max: 18 }),
      (number, shift) => {
        const digits = String(number)
        const padded = digits.padStart(shift + 1, '0')
        const mantissa = `${padded.slice(0, padded.length - shift)}.${padded.slice(padded.length - shift)}0`
        assert.equal(digitsOf(`-${mantissa.replace(/^0+(?=\d)/, '')}e${shift}`), digits)
      },
    ),
  )
  for (const other of ['0.5', '1e-1', '1e999', '12.5']) assert.equal(digitsOf(other), other)
})

test('counts are of kinds and never of values', () => {
  const tally = new Map<string, number>()
  through(new JsonRewriter(verdictOf(REDACT, 'response', tally)), '["123-45-6789","123-45-6780"]')
  assert.deepEqual([...tally], [['response:ssn:redact', 2]])
  const counting = new JsonRewriter(
    verdictOf(rulesOf({ kind: 'pii', find: ['ssn'], action: 'flag' }), 'request', tally),
  )
  through(counting, '[{"123-45-6789":1},{"123-45-6789":1}]')
  assert.equal(tally.get('request:ssn:flag'), 2)
})
