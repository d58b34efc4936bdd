import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isOperatorToken, newOperatorToken } from './operator-token.ts'

test('a new token is one, and no two are alike', () => {
  const tokens = new Set(Array.from({ length: 1000 }, newOperatorToken))
  assert.equal(tokens.size, 1000)
  for (const token of tokens) assert.ok(isOperatorToken(token), token)
})

test('a mistyped token is told from a real one without the database', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 4, max: 46 }),
      fc.constantFrom('a', 'b', 'X', 'Z', '0', '9', '-', '_'),
      (at, letter) => {
        const token = newOperatorToken()
        const changed = token.slice(0, at) + letter + token.slice(at + 1)
        if (changed !== token) assert.ok(!isOperatorToken(changed), changed)
      },
    ),
  )
})

test('anything else is no token', () => {
  fc.assert(fc.property(fc.string(), (text) => assert.ok(!isOperatorToken(`rfo_${text}`))))
})
