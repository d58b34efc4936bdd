import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verdict } from '../boundaries/boundary.ts'
import {
  fakeBoundary,
  FAKE_ATTACKS,
  FAKE_MUTANTS,
  finding,
  RUN,
} from './fake-boundary.test-support.ts'
import { runProof } from './run-proof.ts'

const pooled = { tiers: ['pooled'] as const }

test('a mutant is noticed by the attack that gets further, and by the inspection', async () => {
  const report = await runProof({ ...RUN, boundaries: [fakeBoundary(pooled)] })
  assert.deepEqual(
    report.tiers[0]?.mutants.map(({ id, status, noticedBy }) => ({ id, status, ...noticedBy })),
    [
      { id: 'fake-filter-off', status: 'noticed', attacks: ['fake-read-index'], findings: [] },
      { id: 'fake-grant-all', status: 'noticed', attacks: [], findings: ['fake-open'] },
    ],
  )
})

test('a mutant that nobody notices fails the proof', async () => {
  const boundary = fakeBoundary({ ...pooled, verdict: () => 'denied' })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.deepEqual([report.verdict, report.exitCode, report.counts.unnoticed], ['unnoticed', 1, 1])
  assert.match(report.reasons[0] ?? '', /^1 mutant went unnoticed: fake pooled fake-filter-off/)
})

test('only a verdict worse than the one before notices', async () => {
  const cases: readonly [Verdict, Verdict, boolean][] = [
    ['denied', 'leaked', true],
    ['denied', 'limit', true],
    ['limit', 'leaked', true],
    ['limit', 'denied', false],
    ['leaked', 'leaked', false],
    ['leaked', 'denied', false],
    ['void', 'leaked', false],
  ]
  for (const [before, after, notices] of cases) {
    const boundary = fakeBoundary({
      ...pooled,
      attacks: FAKE_ATTACKS.filter(({ id }) => id === 'fake-exists'),
      verdict: (_attack, _tier, mutant) => (mutant === undefined ? before : after),
      findings: () => [],
    })
    const report = await runProof({ ...RUN, boundaries: [boundary] })
    const status = report.tiers[0]?.mutants[0]?.status
    assert.equal(status, notices ? 'noticed' : 'unnoticed', `${before} → ${after}`)
  }
})

test('a finding that was there before, or is only information, notices nothing', async () => {
  const old = finding('fake-open', 'old', 'high')
  for (const fresh of [[old], [old, finding('fake-new', 'x', 'info')]]) {
    const boundary = fakeBoundary({
      ...pooled,
      verdict: () => 'denied',
      findings: (_tier, mutant) => (mutant === undefined ? [old] : fresh),
    })
    const report = await runProof({ ...RUN, boundaries: [boundary] })
    assert.equal(report.counts.unnoticed, 2)
  }
})

test('a known rule on a new object, or one that grew above information, notices', async () => {
  const boundary = fakeBoundary({
    ...pooled,
    verdict: () => 'denied',
    findings: (_tier, mutant) => [
      finding('fake-open', mutant === 'fake-filter-off' ? 'new' : 'old', 'high'),
      finding('fake-size', 'disk', mutant === 'fake-grant-all' ? 'medium' : 'info'),
    ],
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.deepEqual(
    report.tiers[0]?.mutants.map(({ noticedBy }) => noticedBy.findings),
    [['fake-open'], ['fake-size']],
  )
})

/** Nothing but attacks notices anything. */
const unseen = { ...pooled, findings: () => [] }

test('attacks stop at the first that notices, and run to the end in a thorough run', async () => {
  const leaky = {
    ...unseen,
    verdict: (_attack: unknown, _tier: unknown, mutant: string | undefined): Verdict =>
      mutant === undefined ? 'denied' : 'leaked',
  }
  const counts = async (thorough: boolean) => {
    const report = await runProof({ ...RUN, boundaries: [fakeBoundary(leaky)], thorough })
    return report.tiers[0]?.mutants.map(({ strikes, noticedBy }) => [
      strikes,
      noticedBy.attacks.length,
    ])
  }
  assert.deepEqual(await counts(false), [
    [1, 1],
    [1, 1],
  ])
  assert.deepEqual(await counts(true), [
    [5, 5],
    [5, 5],
  ])
})

test('an attack that noticed an earlier mutant is tried first on the next', async () => {
  const boundary = fakeBoundary({
    ...unseen,
    verdict: (attack, _tier, mutant) =>
      mutant !== undefined && attack.id === 'fake-flood' ? 'leaked' : 'denied',
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.deepEqual(
    report.tiers[0]?.mutants.map(({ strikes }) => strikes),
    [5, 1],
  )
})

test('the attacks that a mutant names are tried first, and alone when someone notices', async () => {
  const boundary = fakeBoundary({
    ...pooled,
    mutants: FAKE_MUTANTS.map((mutant) => ({
      ...mutant,
      noticedBy: ['fake-write', 'fake-exists'],
    })),
    verdict: (attack, _tier, mutant) =>
      mutant === 'fake-filter-off' && attack.id === 'fake-exists' ? 'leaked' : 'denied',
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.deepEqual(
    report.tiers[0]?.mutants.map(({ strikes, noticedBy }) => ({ strikes, ...noticedBy })),
    [
      { strikes: 2, attacks: ['fake-exists'], findings: [] },
      { strikes: 2, attacks: [], findings: ['fake-open'] },
    ],
  )
})

test('what inspection notices, and no attack is named for, costs no attack', async () => {
  const report = await runProof({ ...RUN, boundaries: [fakeBoundary(pooled)] })
  const granted = report.tiers[0]?.mutants.find(({ id }) => id === 'fake-grant-all')
  assert.deepEqual([granted?.status, granted?.strikes], ['noticed', 0])
})

test('a weakening that helps only the second tenant against the first is noticed too', async () => {
  const boundary = fakeBoundary({
    ...pooled,
    verdict: (attack, _tier, mutant, attacker) =>
      mutant !== undefined && attack.id === 'fake-write' && attacker === 'acme-1'
        ? 'leaked'
        : 'denied',
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  const [filterOff] = report.tiers[0]?.mutants ?? []
  assert.deepEqual(
    [filterOff?.status, filterOff?.noticedBy.attacks, filterOff?.strikes],
    ['noticed', ['fake-write'], 5 + 3],
  )
})

test('a mutant that cannot be made is void with the reason, and the others are still tried', async () => {
  const boundary = fakeBoundary({
    ...pooled,
    before: (step, _tier, id) => {
      if (step === 'weaken' && id === 'fake-filter-off') throw new Error('no space')
    },
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.deepEqual([report.verdict, report.exitCode], ['void', 2])
  assert.deepEqual(
    report.tiers[0]?.mutants.map(({ status, reason }) => [status, reason]),
    [
      ['void', 'no space'],
      ['noticed', undefined],
    ],
  )
  assert.equal(boundary.open.size, 0)
})

test('a weakened copy without its canaries is void, not noticed', async () => {
  const boundary = fakeBoundary({
    ...pooled,
    canariesSeen: (tenants, _tier, mutant) =>
      mutant === 'fake-filter-off' ? tenants.slice(0, 2) : tenants,
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.equal(report.verdict, 'void')
  assert.equal(report.tiers[0]?.mutants[0]?.reason, 'canaries not seen: birch')
})

test('a weakened copy on which no attack shows anything is void, not unnoticed', async () => {
  const boundary = fakeBoundary({
    ...pooled,
    verdict: (_attack, _tier, mutant) => (mutant === 'fake-filter-off' ? 'void' : 'denied'),
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.equal(report.verdict, 'void')
  assert.match(report.tiers[0]?.mutants[0]?.reason ?? '', /^no attack .* showed anything$/)
})

test('an inspection that fails on a weakened copy is void, not noticed', async () => {
  const boundary = fakeBoundary({
    ...pooled,
    before: (step, _tier, id) => {
      if (step === 'inspect' && id === 'fake-grant-all') throw new Error('cannot read the catalog')
    },
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.equal(report.verdict, 'void')
  assert.equal(report.tiers[0]?.mutants[1]?.reason, 'cannot read the catalog')
})
