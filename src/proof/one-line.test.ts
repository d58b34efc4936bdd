import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { escapeMarkup } from './escape-markup.ts'
import { oneLine } from './one-line.ts'

test('any text becomes one bounded, well-formed line without control characters', () => {
  const text = fc.string({ unit: 'binary', maxLength: 2000 })
  fc.assert(
    fc.property(text, (value) => {
      const line = oneLine(value)
      assert.ok(line.length <= 600)
      assert.ok(line.isWellFormed())
      assert.doesNotMatch(line, /[\p{Cc}\p{Zl}\p{Zp}\u202e]/u)
    }),
  )
})

test('a cut never leaves half a character', () => {
  assert.ok(oneLine('😀'.repeat(500)).isWellFormed())
  assert.ok(oneLine(`a${'😀'.repeat(500)}`).isWellFormed())
})

test('escaped text has no markup left, whatever it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      assert.doesNotMatch(escapeMarkup(value), /[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/)
      assert.ok(escapeMarkup(value).isWellFormed())
    }),
  )
})
