import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { operationOf } from './request-telemetry.ts'

test('a realm’s requests are counted under words of a list, whatever is asked for', () => {
  assert.equal(operationOf('/token?x=1'), 'token')
  assert.equal(operationOf('/token/introspection'), 'introspection')
  assert.equal(operationOf('/interaction/secret-uid'), 'sign-in')
  assert.equal(operationOf('/tokens'), 'other')
  const words = new Set<string>()
  fc.assert(
    fc.property(fc.webPath(), (path) => {
      words.add(operationOf(path))
    }),
    { numRuns: 300 },
  )
  assert.ok(words.size < 20)
  for (const word of words) assert.match(word, /^[a-z-]+$/)
})
