import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseTenantId } from '../core/tenant.ts'
import { RECORDS_ATTACKS } from './attacks/attacks.ts'
import { RecordsRehearsal } from './records-rehearsal.ts'
import { RECORDS_MUTANTS } from './mutants/mutants.ts'

// The second begins with the first, so that whoever compares by prefix confuses the two.
const [A, B, C] = [parseTenantId('acme'), parseTenantId('acme-1'), parseTenantId('birch')]
const NO_SECRET = /canary-|eyJ|rf[a-z]_|-----/

let rehearsal: RecordsRehearsal
before(async () => {
  rehearsal = await RecordsRehearsal.open([A, B, C])
})
after(() => rehearsal.close())

test('there are attacks and mutants enough, told apart by ids of their own', () => {
  assert.ok(RECORDS_ATTACKS.length >= 60)
  assert.ok(RECORDS_MUTANTS.length >= 55)
  const ids = [...RECORDS_ATTACKS, ...RECORDS_MUTANTS].map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids) assert.match(id, /^rc-[a-z0-9]+(-[a-z0-9]+)*$/)
  for (const { title } of RECORDS_MUTANTS) assert.match(title, /^[^\n]{8,100}$/)
})

test('of every attack a mutant is known on which it gets through', () => {
  const noticing = new Set(RECORDS_MUTANTS.flatMap(({ noticedBy = [] }) => noticedBy))
  const others = RECORDS_ATTACKS.filter(({ id }) => !noticing.has(id))
  assert.deepEqual(
    others.map(({ id }) => id),
    [],
  )
})

describe('records as they should be', () => {
  test('show the administrator the canaries of all tenants, and have nothing to find', async () => {
    assert.deepEqual(await rehearsal.canariesSeen(), [A, B, C])
    assert.deepEqual(await rehearsal.inspect(), [])
  })

  for (const attack of RECORDS_ATTACKS) {
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

  test('are after all attacks what they were', async () => {
    assert.deepEqual(await rehearsal.canariesSeen(), [A, B, C])
    assert.deepEqual(await rehearsal.inspect(), [])
  })
})

describe('a records plane with one careless change', () => {
  for (const mutant of RECORDS_MUTANTS) {
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
          const attack = RECORDS_ATTACKS.find((one) => one.id === name)
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

test('records are after all mutants what they were', async () => {
  assert.deepEqual(await rehearsal.canariesSeen(), [A, B, C])
  assert.deepEqual(await rehearsal.inspect(), [])
})
