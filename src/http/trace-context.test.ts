import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newTrace, parseTrace, traceHeaders } from './trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const VALID = `00-${TRACE}-${SPAN}-01`

test('a trace is taken over, and passed on with a span of its own', () => {
  const trace = parseTrace({ traceparent: VALID, tracestate: 'rojo=00f067aa0ba902b7,congo=t61' })
  assert.deepEqual(trace, {
    traceId: TRACE,
    spanId: SPAN,
    flags: '01',
    state: 'rojo=00f067aa0ba902b7,congo=t61',
  })
  const headers = traceHeaders(trace)
  assert.match(headers['traceparent'] ?? '', new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`))
  assert.ok(!headers['traceparent']?.includes(SPAN))
  assert.equal(headers['tracestate'], 'rojo=00f067aa0ba902b7,congo=t61')
})

test('a later version is read as far as it is known', () => {
  assert.equal(parseTrace({ traceparent: `cc-${TRACE}-${SPAN}-01-what-comes` })?.traceId, TRACE)
  assert.equal(parseTrace({ traceparent: `cc-${TRACE}-${SPAN}-01` })?.flags, '01')
})

for (const [what, traceparent] of [
  ['nothing', undefined],
  ['upper case', VALID.toUpperCase()],
  ['version ff', VALID.replace(/^00/, 'ff')],
  ['version 00 with more after it', `${VALID}-00`],
  ['a later version with something glued to it', `cc-${TRACE}-${SPAN}-01x`],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['two headers in one', `${VALID}, ${VALID}`],
  ['white space', ` ${VALID}`],
  ['a line break', `${VALID}\n`],
  ['more than it can be', `cc-${TRACE}-${SPAN}-01-${'x'.repeat(500)}`],
] as const) {
  test(`${what} is no trace`, () => assert.equal(parseTrace({ traceparent }), undefined))
}

test('a trace state that is too long or not printable is dropped, and the trace goes on', () => {
  const members = Array.from({ length: 33 }, (_, n) => `k${n}=v`).join(',')
  for (const tracestate of ['a=1\r\nx: y', 'a='.padEnd(600, 'x'), members, '']) {
    assert.equal(parseTrace({ traceparent: VALID, tracestate })?.state, undefined)
    assert.equal(parseTrace({ traceparent: VALID, tracestate })?.traceId, TRACE)
  }
})

test('a new trace is one that others read', () => {
  const trace = newTrace()
  assert.equal(parseTrace(traceHeaders(trace))?.traceId, trace.traceId)
  assert.notEqual(newTrace().traceId, trace.traceId)
})

test('whatever comes in, only well-formed headers go out', () => {
  const parts = fc.constantFrom('00', 'cc', 'ff', TRACE, SPAN, '0'.repeat(32), '01', '-', ',', '\n')
  const text = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.array(parts, { maxLength: 9 }).map((list) => list.join('')),
    fc.array(parts, { minLength: 4, maxLength: 4 }).map((list) => list.join('-')),
  )
  fc.assert(
    fc.property(text, text, (traceparent, tracestate) => {
      const headers = traceHeaders(parseTrace({ traceparent, tracestate }) ?? newTrace())
      assert.match(headers['traceparent'] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
      assert.match(headers['tracestate'] ?? 'none', /^[\x20-\x7e\t]+$/)
    }),
  )
})
