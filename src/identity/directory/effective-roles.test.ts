import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Binding, effectiveRoles, holdsAt, placedRoles } from './effective-roles.ts'
import { EVERYWHERE, parsePlace, type Place, placesAround } from './role-name.ts'

const at = (role: string, place: string, effect: Binding['effect'] = 'grant'): Binding => ({
  role,
  place: parsePlace(place),
  effect,
})
const sorted = (roles: ReadonlySet<string>) => [...roles].sort()
const HOUSE = new Map([
  ['doctor', ['nurse']],
  ['nurse', ['clerk']],
])

test('who has the senior role has the junior ones', () => {
  assert.deepEqual(sorted(effectiveRoles([at('doctor', '')], HOUSE, EVERYWHERE)), [
    'clerk',
    'doctor',
    'nurse',
  ])
})

test('the nearest binding wins, and of two as near the one that withholds', () => {
  const bindings = [
    at('doctor', ''),
    at('doctor', 'ward/north', 'withhold'),
    at('doctor', 'ward/north/icu'),
    at('clerk', 'ward'),
    at('clerk', 'ward', 'withhold'),
  ]
  const roles = (place: string) => sorted(effectiveRoles(bindings, HOUSE, parsePlace(place)))
  assert.deepEqual(roles(''), ['clerk', 'doctor', 'nurse'])
  assert.deepEqual(roles('ward'), ['doctor', 'nurse'], 'the clerk is withheld in all wards')
  assert.deepEqual(roles('ward/north'), [])
  assert.deepEqual(roles('ward/north/icu/bed-1'), ['doctor', 'nurse'])
  assert.deepEqual(roles('wards'), ['clerk', 'doctor', 'nurse'], 'another place with a like name')
})

test('a role that is withheld brings nothing either', () => {
  const bindings = [at('doctor', ''), at('nurse', 'lab', 'withhold')]
  assert.deepEqual(sorted(effectiveRoles(bindings, HOUSE, parsePlace('lab'))), ['doctor'])
})

/** The rule once more, in the plainest way: by asking for one role at one place. */
function modelHolds(bindings: readonly Binding[], role: string, place: Place): boolean {
  const verdict = (of: string): Binding['effect'] | undefined => {
    for (const near of placesAround(place)) {
      const here = bindings.filter((binding) => binding.role === of && binding.place === near)
      if (here.some(({ effect }) => effect === 'withhold')) return 'withhold'
      if (here.length > 0) return 'grant'
    }
    return undefined
  }
  if (verdict(role) === 'withhold') return false
  if (verdict(role) === 'grant') return true
  return [...HOUSE].some(
    ([senior, juniors]) => juniors.includes(role) && modelHolds(bindings, senior, place),
  )
}

const ROLES = ['doctor', 'nurse', 'clerk', 'porter']
const place = fc
  .array(fc.constantFrom('a', 'b'), { maxLength: 3 })
  .map((steps) => parsePlace(steps.join('/')))
const binding = fc.record({
  role: fc.constantFrom(...ROLES),
  place,
  effect: fc.constantFrom<Binding['effect'][]>('grant', 'withhold'),
})

test('for any bindings, what holds is what the plain rule says', () => {
  fc.assert(
    fc.property(fc.array(binding, { maxLength: 8 }), place, (bindings, where) => {
      const roles = effectiveRoles(bindings, HOUSE, where)
      for (const role of ROLES) {
        assert.equal(roles.has(role), modelHolds(bindings, role, where), `${role}@${where}`)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('for any bindings, a token says of every place what holds there', () => {
  fc.assert(
    fc.property(fc.array(binding, { maxLength: 8 }), place, (bindings, where) => {
      const everywhere = [...effectiveRoles(bindings, HOUSE, EVERYWHERE)]
      const placed = placedRoles(bindings, HOUSE)
      const roles = effectiveRoles(bindings, HOUSE, where)
      for (const role of ROLES) {
        assert.equal(holdsAt(everywhere, placed, role, where), roles.has(role), `${role}@${where}`)
      }
    }),
    { numRuns: 1_000 },
  )
})
