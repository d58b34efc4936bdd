import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseTenantId } from '../core/tenant.ts'
import { BACK_OFFICE_ATTACKS } from './attacks/attacks.ts'
import { BackOfficeRehearsal } from './back-office-rehearsal.ts'
import { BACK_OFFICE_MUTANTS } from './mutants/mutants.ts'

// The second begins with the first, so that whoever compares by prefix confuses the two.
const [A, B, C] = [parseTenantId('acme'), parseTenantId('acme-1'), parseTenantId('birch')]
const NO_SECRET = /canary-|eyJ|rfo_|whsec_/

let rehearsal: BackOfficeRehearsal
before(async () => {
  rehearsal = await BackOfficeRehearsal.open([A, B, C])
})
after(() => rehearsal.close())

test('there are attacks and mutants enough, told apart by ids of their own', () => {
  assert.ok(BACK_OFFICE_ATTACKS.length >= 60)
  assert.ok(BACK_OFFICE_MUTANTS.length >= 50)
  const ids = [...BACK_OFFICE_ATTACKS, ...BACK_OFFICE_MUTANTS].map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids) assert.match(id, /^ca-[a-z0-9]+(-[a-z0-9]+)*$/)
  for (const { title } of BACK_OFFICE_MUTANTS) assert.match(title, /^[^\n]{8,100}$/)
})

test('of every attack a mutant is known on which it gets through', () => {
  const noticing = new Set(BACK_OFFICE_MUTANTS.flatMap(({ noticedBy = [] }) => noticedBy))
  const others = BACK_OFFICE_ATTACKS.filter(({ id }) => !noticing.has(id))
  assert.deepEqual(
    others.map(({ id }) => id),
    [],
  )
})

describe('the control API as it should be', () => {
  test('shows the administrator the canaries of all tenants, and has nothing to find', async () => {
    assert.deepEqual(await rehearsal.canariesSeen(), [A, B, C])
    assert.deepEqual(await rehearsal.inspect(), [])
  })

  for (const attack of BACK_OFFICE_ATTACKS) {
    test(`${attack.id} reaches no other tenant`, async () => {
      const { verdict, owner, outcome } = await rehearsal.strike(attack, A, B)
      assert.equal(verdict, 'denied', `${owner} // ${outcome}`)
      assert.doesNotMatch(`${owner} ${outcome}`, NO_SECRET)
    })
  }

  test('is after all attacks what it was', async () => {
    assert.deepEqual(await rehearsal.canariesSeen(), [A, B, C])
    assert.deepEqual(await rehearsal.inspect(), [])
  })
})

describe('a control API with one careless change', () => {
  for (const mutant of BACK_OFFICE_MUTANTS) {
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
          const attack = BACK_OFFICE_ATTACKS.find((one) => one.id === name)
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

test('the control API is after all mutants what it was', async () => {
  assert.deepEqual(await rehearsal.canariesSeen(), [A, B, C])
  assert.deepEqual(await rehearsal.inspect(), [])
})
