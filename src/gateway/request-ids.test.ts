import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newRequestId } from './request-ids.ts'

const MANY = 20_000
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('no two requests have one id, and each is a UUID of version 4', () => {
  const ids = Array.from({ length: MANY }, newRequestId)
  for (const id of ids) assert.match(id, UUID)
  assert.equal(new Set(ids).size, MANY)
})

test('every digit but the version is any that it may be', () => {
  const seen = Array.from({ length: 36 }, () => new Set<string>())
  for (let n = 0; n < MANY; n += 1) {
    for (const [at, digit] of newRequestId().split('').entries()) seen[at]?.add(digit)
  }
  const sizes = seen.map((digits) => digits.size)
  const fixed = new Map([8, 13, 14, 18, 23].map((at) => [at, 1]))
  assert.deepEqual(
    sizes,
    sizes.map((_, at) => fixed.get(at) ?? (at === 19 ? 4 : 16)),
  )
})
