import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseStrictJson } from './strict-json.ts'

test('whatever JSON.stringify writes is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      assert.deepEqual(parseStrictJson(text), JSON.parse(text))
    }),
  )
})

test('a key that occurs twice in one object is refused, however it is spelt and wherever it is', () => {
  for (const text of [
    '{"a":1,"a":2}',
    '{"a":1,"b":2,"a":3}',
    String.raw`{"a":1,"\u0061":2}`,
    '[{"x":{"a":{},"a":[]}}]',
    '{"a":"{","a":"}"}',
    String.raw`{"\"":1,"\"":2}`,
  ]) {
    assert.throws(() => parseStrictJson(text), SyntaxError, text)
  }
})

test('the same key in different objects, and keys as values, are not repetitions', () => {
  for (const text of [
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":"a"}',
    '{"a":["b","b"],"b":1}',
    String.raw`{"a":"\",\"a\":1"}`,
  ]) {
    assert.deepEqual(parseStrictJson(text), JSON.parse(text), text)
  }
})

test('trailing junk and a byte order mark are refused', () => {
  for (const text of ['{} {}', '{}x', '\ufeff{}', '']) {
    assert.throws(() => parseStrictJson(text), SyntaxError)
  }
})
