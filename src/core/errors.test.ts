import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { test } from 'node:test'
import { ERROR_CODES, isMisuse, messageOf, RingfenceError } from './errors.ts'

test('codes are words that no one else uses twice', () => {
  assert.equal(new Set(ERROR_CODES).size, ERROR_CODES.length)
  for (const code of ERROR_CODES) assert.match(code, /^[a-z]+(_[a-z]+)*$/)
})

test('the private detail is not in the message', () => {
  const cause = new Error('why')
  const error = new RingfenceError('timed_out', 'too slow', { detail: 'pid 12', cause })
  assert.equal(error.message, 'too slow')
  assert.equal(String(error), 'RingfenceError: too slow')
  assert.equal(error.detail, 'pid 12')
  assert.equal(error.cause, cause)
})

test('an error without a cause shows none', () => {
  assert.ok(!('cause' in new RingfenceError('internal', 'no')))
  assert.ok(!inspect(new RingfenceError('internal', 'no')).includes('[cause]'))
})

test('only what the caller can mend is misuse', () => {
  assert.ok(isMisuse(new RingfenceError('invalid_url', 'no')))
  assert.ok(!isMisuse(new RingfenceError('internal', 'no')))
  assert.ok(!isMisuse(new Error('no')))
  assert.ok(!isMisuse({ code: 'invalid_url' }))
})

test('the message of anything is one line', () => {
  assert.equal(messageOf(new Error(' a\n  b \r\n c')), 'a b c')
  assert.equal(messageOf('plain'), 'plain')
  assert.equal(messageOf(undefined), 'undefined')
  assert.equal(messageOf(null), 'null')
  assert.equal(messageOf(Symbol('s')), 'Symbol(s)')
})
