import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rolesAt } from './roles-at.ts'

test('of what is said of a role the nearest place counts, and of two as near what withholds', () => {
  const placed = ['doctor@ward', '!doctor@ward/north', 'doctor@ward/north/7', '!nurse@lab']
  assert.deepEqual(rolesAt('ward/south', ['nurse'], placed), ['nurse', 'doctor'])
  assert.deepEqual(rolesAt('ward/north', ['nurse'], placed), ['nurse'])
  assert.deepEqual(rolesAt('ward/north/7/3', ['nurse'], placed), ['nurse', 'doctor'])
  assert.deepEqual(rolesAt('lab/1', ['nurse'], placed), [])
  assert.deepEqual(rolesAt('ward', [], ['doctor@ward', '!doctor@ward']), [])
  assert.deepEqual(rolesAt('ward', [], ['!doctor@ward', 'doctor@ward']), [])
})

test('a place whose name begins alike is another place', () => {
  assert.deepEqual(rolesAt('ward2', [], ['doctor@ward']), [])
  assert.deepEqual(rolesAt('war', [], ['doctor@ward']), [])
})

test('whatever is said of other places changes nothing here', () => {
  const role = fc.constantFrom('doctor', 'nurse')
  const elsewhere = fc
    .tuple(fc.boolean(), role, fc.constantFrom('lab', 'lab/1', 'war', 'ward/north/7', 'wards'))
    .map(([withheld, name, place]) => `${withheld ? '!' : ''}${name}@${place}`)
  fc.assert(
    fc.property(fc.uniqueArray(role), fc.array(elsewhere), (roles, placed) => {
      assert.deepEqual(rolesAt('ward/north', roles, placed), roles)
    }),
  )
})
