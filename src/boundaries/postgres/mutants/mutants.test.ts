import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TIERS } from '../../../core/tenant.ts'
import { ATTACKS } from '../attacks/attacks.ts'
import { MUTANTS, MUTANTS_FOR_SHARED_SERVERS } from './mutants.ts'
import { NOTICED_BY } from './noticed-by.ts'

test('there are mutants enough on every tier', () => {
  assert.ok(MUTANTS.length >= 50)
  for (const tier of TIERS) {
    const there = MUTANTS.filter(({ tiers }) => tiers.includes(tier))
    assert.ok(there.length >= (tier === 'pooled' ? 50 : 8), `${tier}: ${there.length}`)
  }
})

test('mutants are told apart by their ids, which no attack has', () => {
  const ids = [...MUTANTS, ...ATTACKS].map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  for (const { id } of MUTANTS) assert.match(id, /^pg-[a-z0-9]+(-[a-z0-9]+)*$/)
})

test('each says in one line what is weakened', () => {
  for (const { title } of MUTANTS) assert.match(title, /^[^\n]{8,100}$/)
})

test('what weakens a whole server is kept away from servers that others use', () => {
  const shared = new Set(MUTANTS_FOR_SHARED_SERVERS.map(({ id }) => id))
  for (const id of [
    'pg-hba-trust',
    'pg-log-statement-all',
    'pg-login-superuser',
    'pg-files-open',
  ]) {
    assert.ok(!shared.has(id), id)
  }
  assert.ok(shared.has('pg-guard-dropped'))
})

test('at least 25 mutants are noticed by an attack too, on a tier that has both', () => {
  for (const [id, attacks] of Object.entries(NOTICED_BY)) {
    const mutant = MUTANTS.find((one) => one.id === id)
    assert.ok(mutant, id)
    for (const name of attacks) {
      const attack = ATTACKS.find((one) => one.id === name)
      assert.ok(
        attack?.tiers.some((tier) => mutant.tiers.includes(tier)),
        `${id}: ${name}`,
      )
    }
  }
  assert.ok(Object.keys(NOTICED_BY).length >= 25)
})
