import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { differences } from './diff.ts'

test('a difference is told by its place, with what was and what is', () => {
  const before = { apis: [{ name: 'a', prefix: '/a' }], plan: 'x' }
  const after = { apis: [{ name: 'b' }, { name: 'a', prefix: '/b' }], plan: 'x', hosts: [] }
  assert.deepEqual(differences(before, after), [
    { path: 'apis[a].prefix', before: '/a', after: '/b' },
    { path: 'apis[b]', after: { name: 'b' } },
    { path: 'hosts', after: [] },
  ])
})

test('another order is a difference too', () => {
  const [one, other] = [{ name: 'a' }, { name: 'b' }]
  assert.deepEqual(differences([one, other], [other, one]), [
    { path: '', before: [one, other], after: [other, one] },
  ])
})

test('two values have differences exactly when they are not the same', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
      assert.equal(differences(before, after).length === 0, isDeepStrictEqual(before, after))
      assert.deepEqual(differences(before, before), [])
    }),
    { numRuns: 300 },
  )
})
