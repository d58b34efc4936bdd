import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import {
  attack,
  FAKE_ATTACKS,
  FAKE_MUTANTS,
  fakeBoundary,
  RUN,
} from './fake-boundary.test-support.ts'
import { runProof } from './run-proof.ts'

test('a tier that no attack or no mutant covers is void in a full run', async () => {
  const pooledOnly = { tiers: ['pooled'] } as const
  const noAttack = fakeBoundary({
    tiers: ['pooled', 'silo'],
    attacks: FAKE_ATTACKS.map((attack) => ({ ...attack, ...pooledOnly })),
  })
  const noMutant = fakeBoundary({
    tiers: ['pooled', 'silo'],
    mutants: FAKE_MUTANTS.map((mutant) => ({ ...mutant, ...pooledOnly })),
  })
  const attacked = await runProof({ ...RUN, boundaries: [noAttack] })
  assert.deepEqual(attacked.tiers[1]?.voidReasons, ['no attack is made for this tier'])
  const weakened = await runProof({ ...RUN, boundaries: [noMutant] })
  assert.match(weakened.tiers[1]?.voidReasons[0] ?? '', /^no mutant is made for this tier/)
  assert.deepEqual([attacked.exitCode, weakened.exitCode], [2, 2])
})

test('a run narrowed to an attack tries only that and says so', async () => {
  const boundary = fakeBoundary()
  const report = await runProof({ ...RUN, boundaries: [boundary], only: ['fake-write'] })
  assert.equal(report.verdict, 'proven')
  assert.deepEqual([report.counts.attacks, report.counts.mutants], [1, 0])
  assert.ok(report.reasons.includes('only these were tried: fake-write'))
  assert.ok(report.reasons.some((reason) => reason.startsWith('no mutant was tried')))
})

test('a run narrowed to a mutant keeps every attack', async () => {
  const report = await runProof({
    ...RUN,
    boundaries: [fakeBoundary()],
    only: ['fake-filter-off'],
  })
  assert.deepEqual([report.counts.attacks, report.counts.mutants], [5, 3])
})

test('options that cannot be run are refused before anything is touched', async () => {
  const boundary = fakeBoundary()
  const twice = fakeBoundary({ attacks: [attack('a', 'A', 'read'), attack('a', 'A', 'read')] })
  const cases = [
    { tenants: 2 },
    { tenants: 17 },
    { tenants: 3.5 },
    { only: ['nobody-knows'] },
    { tiers: [] },
    { concurrency: 0 },
    { strikesAtOnce: 100 },
    { subjects: [] },
    { boundaries: [] },
    { boundaries: [boundary, fakeBoundary()] },
    { boundaries: [twice] },
  ]
  for (const options of cases) {
    await assert.rejects(
      runProof({ ...RUN, boundaries: [boundary], ...options }),
      (error) => error instanceof RingfenceError && error.code === 'invalid_argument',
      JSON.stringify(Object.keys(options)),
    )
  }
  assert.equal(boundary.struck.length, 0)
})

test('sixteen tenants take turns as the third attacker', async () => {
  const attacks = Array.from({ length: 20 }, (_, i) => attack(`fake-${i}`, `Try ${i}`, 'read'))
  const report = await runProof({
    ...RUN,
    boundaries: [fakeBoundary({ attacks, tiers: ['pooled'] })],
    tenants: 16,
    mutants: false,
  })
  const attackers = new Set(report.tiers[0]?.strikes.map(({ attacker }) => attacker))
  assert.equal(attackers.size, 16)
  assert.ok(report.tiers[0]?.strikes.every(({ attacker, victim }) => attacker !== victim))
})
