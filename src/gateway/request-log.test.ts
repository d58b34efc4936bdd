import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsonText } from './json-text.ts'
import { requestLine } from './request-log.ts'

test('a text in a log is the same text to whoever reads the line as JSON', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      assert.equal(jsonText(text), JSON.stringify(text))
    }),
    { numRuns: 500 },
  )
  for (const text of ['', '"', '\\', '\n', '\u2028', '\u007f', '\ud800', 'a"b', '</x>']) {
    assert.equal(jsonText(text), JSON.stringify(text))
  }
})

test('whatever a caller sends is one field of one line', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.integer({ min: 100, max: 599 }),
      (method, reason, status) => {
        const line = requestLine({
          requestId: 'one',
          contextRequestId: 'other',
          exchange: undefined,
          method,
          status,
          milliseconds: 1.26,
          reason,
          used: false,
        })
        assert.ok(!/[\r\n]/.test(line))
        const { time, ...rest } = JSON.parse(line) as Record<string, unknown>
        assert.match(String(time), /^\d{4}-\d\d-\d\dT/)
        assert.deepEqual(rest, {
          request_id: 'one',
          context_request_id: 'other',
          method,
          status,
          ms: 1.3,
          reason,
        })
      },
    ),
    { numRuns: 200 },
  )
})
