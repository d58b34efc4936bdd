import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Rehearsal } from '../boundaries/boundary.ts'
import { parseTenantId } from '../core/tenant.ts'
import { FRONT_DOOR_ATTACKS } from './attacks/attacks.ts'
import { LEFT_OUT } from './mutants/left-out.ts'
import { FRONT_DOOR_MUTANTS } from './mutants/mutants.ts'
import { openFrontDoorProving } from './open-proving.ts'

// The second begins with the first, so that whoever compares by prefix confuses the two.
const [A, B, C] = [parseTenantId('acme'), parseTenantId('acme-1'), parseTenantId('birch')]
const NO_SECRET = /canary-|eyJ|-----/

let rehearsal: Rehearsal
before(async () => {
  const { provable } = await openFrontDoorProving()
  rehearsal = await provable.rehearse('pooled', [A, B, C])
})
after(() => rehearsal.close())

test('there are attacks and mutants enough, told apart by ids of their own', () => {
  assert.ok(FRONT_DOOR_ATTACKS.length >= 40)
  assert.ok(FRONT_DOOR_MUTANTS.length >= 25)
  const ids = [...FRONT_DOOR_ATTACKS, ...FRONT_DOOR_MUTANTS].map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids) assert.match(id, /^fd-[a-z0-9]+(-[a-z0-9]+)*$/)
  for (const { title } of FRONT_DOOR_MUTANTS) assert.match(title, /^[^\n]{8,100}$/)
})

test('whichever check of the gateway or of vending is left out, an attack is known that gets in', () => {
  for (const { id, noticedBy } of LEFT_OUT) assert.ok(noticedBy?.length, id)
})

test('of every attack a mutant is known on which it gets through', () => {
  const noticing = new Set(FRONT_DOOR_MUTANTS.flatMap(({ noticedBy = [] }) => noticedBy))
  const others = FRONT_DOOR_ATTACKS.filter(({ id }) => !noticing.has(id))
  assert.deepEqual(
    others.map(({ id }) => id),
    [],
  )
})

describe('the front door as it should be', () => {
  test('shows the administrator the canaries of all tenants, and has nothing to find', async () => {
    assert.deepEqual(await rehearsal.canariesSeen(), [A, B, C])
    assert.deepEqual(await rehearsal.inspect(), [])
  })

  for (const attack of FRONT_DOOR_ATTACKS) {
    test(`${attack.id} reaches no other tenant, either way`, async () => {
      for (const [attacker, victim] of [
        [A, B],
        [B, A],
      ] as const) {
        const { verdict, owner, outcome } = await rehearsal.strike(attack, attacker, victim)
        assert.equal(verdict, 'denied', `${owner} // ${outcome}`)
        assert.doesNotMatch(`${owner} ${outcome}`, NO_SECRET)
      }
    })
  }

  test('is after all attacks what it was', async () => {
    assert.deepEqual(await rehearsal.canariesSeen(), [A, B, C])
    assert.deepEqual(await rehearsal.inspect(), [])
  })
})

describe('a front door with one careless change', () => {
  for (const mutant of FRONT_DOOR_MUTANTS) {
    const { id, noticedBy = [] } = mutant
    const who = noticedBy.length > 0 ? noticedBy.join(', ') : 'an inspection'
    test(`${id} is noticed by ${who}`, async () => {
      const weakened = await rehearsal.weaken(mutant)
      try {
        assert.deepEqual(await weakened.canariesSeen(), [A, B, C])
        if (noticedBy.length === 0) {
          const wide = (await weakened.inspect()).filter(({ severity }) => severity !== 'info')
          assert.ok(wide.length > 0)
        }
        for (const name of noticedBy) {
          const attack = FRONT_DOOR_ATTACKS.find((one) => one.id === name)
          assert.ok(attack, `no attack ${name}`)
          const { verdict, owner, outcome } = await weakened.strike(attack, A, B)
          assert.equal(verdict, 'leaked', `${owner} // ${outcome}`)
          assert.doesNotMatch(`${owner} ${outcome}`, NO_SECRET)
        }
      } finally {
        await weakened.close()
      }
    })
  }
})
