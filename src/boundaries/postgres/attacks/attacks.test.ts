import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseTenantId, TIERS } from '../../../core/tenant.ts'
import { ATTACK_KINDS, type Rehearsal, type Verdict } from '../../boundary.ts'
import { MUTANTS } from '../mutants/mutants.ts'
import { RehearsalHost } from '../rehearsal/rehearsal-host.ts'
import { ATTACKS } from './attacks.ts'
import { DIARY } from './try-attacks.test-support.ts'

const [A, B] = [parseTenantId('a'), parseTenantId('b')]

test('there are at least 60 attacks on every tier, and some of every kind', () => {
  for (const tier of TIERS) {
    const there = ATTACKS.filter(({ tiers }) => tiers.includes(tier))
    assert.ok(there.length >= 60, `${tier}: ${there.length}`)
    for (const kind of ATTACK_KINDS)
      assert.ok(there.filter((one) => one.kind === kind).length >= 10)
  }
})

test('each attack has an id of its own, a title in one line and known references', () => {
  assert.equal(new Set(ATTACKS.map(({ id }) => id)).size, ATTACKS.length)
  for (const { id, title, references } of ATTACKS) {
    assert.match(id, /^pg-[a-z0-9-]+$/)
    assert.match(title, /^[^\n]{8,110}$/, id)
    for (const reference of references) {
      assert.match(reference, /^(PG-\d{1,2}[bc]?|CVE-\d{4}-\d{4,6})$/, id)
    }
  }
})

test('a limit is a sentence about a tier that the attack is made for', () => {
  for (const { id, tiers, limits } of ATTACKS) {
    for (const [tier, sentence] of Object.entries(limits)) {
      assert.ok(
        tiers.some((one) => one === tier),
        id,
      )
      assert.match(sentence, /^[A-Z][^\n]{40,400}\.$/, id)
    }
  }
})

const NOTICED_BY: Readonly<Record<string, readonly string[]>> = {
  'pg-rls-disabled': [
    'pg-select-without-where',
    'pg-select-every-table',
    'pg-aggregate',
    'pg-union',
    'pg-cursor',
    'pg-view',
    'pg-leaky-cast',
    'pg-leaky-setting',
    'pg-leaky-division',
    'pg-copy-out',
    'pg-returning',
    'pg-filtered-count',
    'pg-lock-rows',
  ],
  'pg-history-granted': ['pg-derived-table', 'pg-copy-out-every-table'],
}

/** The attacks above must be able to fail, or their silence would prove nothing. */
for (const [id, attacks] of Object.entries(NOTICED_BY)) {
  test(`the attacks notice ${id}, and leave its copy fit for the next`, async () => {
    const mutant = MUTANTS.find((one) => one.id === id)
    assert.ok(mutant !== undefined)
    const weakened = await rehearsal.weaken(mutant)
    try {
      const verdicts: [string, Verdict][] = []
      for (const attack of ATTACKS.filter((one) => attacks.includes(one.id))) {
        verdicts.push([attack.id, (await weakened.strike(attack, A, B)).verdict])
      }
      assert.deepEqual(
        verdicts.filter(([, verdict]) => verdict !== 'leaked'),
        [],
      )
      assert.equal(verdicts.length, attacks.length)
      assert.deepEqual(await weakened.canariesSeen(), [A, B])
    } finally {
      await weakened.close()
    }
  })
}

let rehearsal: Rehearsal
before(async () => {
  rehearsal = await new RehearsalHost({ application: DIARY }).rehearse('pooled', [A, B])
})
after(() => rehearsal?.close())
