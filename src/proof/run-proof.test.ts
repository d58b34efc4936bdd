import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { FAKE_ATTACKS, fakeBoundary, finding, RUN } from './fake-boundary.test-support.ts'
import { proofReportSchema } from './proof-report.ts'
import { runProof } from './run-proof.ts'

const TIERS = ['pooled', 'bridge', 'silo'] as const

test('a boundary that holds is proven, on every tier, both ways and by a third tenant', async () => {
  const boundary = fakeBoundary()
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.deepEqual([report.verdict, report.exitCode], ['proven', 0])
  assert.deepEqual(
    report.tiers.map(({ tier }) => tier),
    TIERS,
  )
  for (const { strikes } of report.tiers) {
    assert.equal(strikes.length, FAKE_ATTACKS.length * 3)
    for (const { id } of FAKE_ATTACKS) {
      const pairs = strikes.filter((strike) => strike.attack === id)
      assert.deepEqual(
        pairs.slice(0, 2).map(({ attacker, victim }) => [attacker, victim]),
        [
          ['acme', 'acme-1'],
          ['acme-1', 'acme'],
        ],
      )
      assert.equal(pairs[2]?.attacker, 'birch')
    }
  }
  assert.equal(report.counts.strikes, report.counts.denied + report.counts.limit)
  assert.equal(boundary.open.size, 0)
})

test('the report survives a trip through JSON and its schema unchanged', async () => {
  const report = await runProof({ ...RUN, boundaries: [fakeBoundary()], live: true })
  assert.deepEqual(proofReportSchema.parse(JSON.parse(JSON.stringify(report))), report)
})

test('a limit is stated once, with the attacks that met it, and is not counted as denied', async () => {
  const report = await runProof({ ...RUN, boundaries: [fakeBoundary()] })
  assert.deepEqual(report.limits, [
    {
      engine: 'fake',
      tier: 'pooled',
      sentence: 'Relation sizes are shared by every tenant of a pooled engine.',
      attacks: ['fake-exists'],
    },
  ])
  assert.equal(report.counts.limit, 3)
})

test('a limit that the attack never stated is a leak', async () => {
  const boundary = fakeBoundary({ verdict: () => 'limit' })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.equal(report.verdict, 'leak')
  assert.equal(
    report.tiers[0]?.strikes.find((strike) => strike.attack === 'fake-exists')?.verdict,
    'limit',
  )
  assert.equal(
    report.tiers[1]?.strikes.find((strike) => strike.attack === 'fake-exists')?.verdict,
    'leaked',
  )
})

test('one leak in one direction fails the proof and is named', async () => {
  const boundary = fakeBoundary({
    verdict: (attack, tier, _mutant, attacker) =>
      attack.id === 'fake-write' && tier === 'bridge' && attacker === 'birch' ? 'leaked' : 'denied',
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.deepEqual([report.verdict, report.exitCode, report.counts.leaked], ['leak', 1, 1])
  assert.match(report.reasons[0] ?? '', /^1 strike reached another tenant: fake bridge fake-write/)
})

test('a strike that shows nothing makes the run void', async () => {
  const boundary = fakeBoundary({
    verdict: (attack, _tier, mutant) =>
      mutant === 'fake-filter-off' ? 'leaked' : attack.id === 'fake-flood' ? 'void' : 'denied',
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.deepEqual([report.verdict, report.exitCode], ['void', 2])
})

test('a strike that throws is void, never denied, and the others still run', async () => {
  const boundary = fakeBoundary({
    before: (step, tier, id) => {
      if (step === 'strike' && tier === 'silo' && id === 'fake-read')
        throw new Error('line 1\nline 2')
    },
  })
  const report = await runProof({ ...RUN, boundaries: [boundary], mutants: false })
  assert.equal(report.verdict, 'void')
  assert.equal(report.counts.void, 3)
  const strike = report.tiers[2]?.strikes[0]
  assert.equal(strike?.outcome, 'the attack could not be run: line 1 line 2')
  assert.equal(report.counts.strikes, 45)
})

test('a tier whose canaries the administrator does not see is void and is not attacked', async () => {
  const boundary = fakeBoundary({
    canariesSeen: (tenants, tier) => (tier === 'bridge' ? tenants.slice(1) : tenants),
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.deepEqual([report.verdict, report.exitCode], ['void', 2])
  assert.deepEqual(report.tiers[1]?.voidReasons, [
    'the administrator does not see the canaries of acme',
  ])
  assert.equal(report.tiers[1]?.strikes.length, 0)
  assert.ok(!boundary.struck.some((line) => line.startsWith('bridge')))
})

test('a rehearsal that cannot be made is void with the reason, and the other tiers still run', async () => {
  const boundary = fakeBoundary({
    before: (step, tier) => {
      if (step === 'rehearse' && tier === 'pooled') {
        throw new RingfenceError('engine_unavailable', 'the engine is down')
      }
    },
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.equal(report.verdict, 'void')
  assert.deepEqual(report.tiers[0]?.voidReasons, ['the engine is down'])
  assert.equal(report.tiers[1]?.strikes.length, 15)
  assert.equal(boundary.open.size, 0)
})

test('a leak outranks a void tier', async () => {
  const boundary = fakeBoundary({
    verdict: () => 'leaked',
    canariesSeen: (tenants, tier) => (tier === 'silo' ? [] : tenants),
  })
  const report = await runProof({ ...RUN, boundaries: [boundary] })
  assert.equal(report.verdict, 'leak')
  assert.ok(report.reasons.some((reason) => reason.includes('does not see the canaries')))
})

test('a finding above info fails the proof; one at info does not', async () => {
  for (const [severity, verdict] of [
    ['info', 'proven'],
    ['low', 'leak'],
    ['critical', 'leak'],
  ] as const) {
    const boundary = fakeBoundary({
      findings: (_tier, mutant) => [
        finding('fake-wide', 'table', severity),
        ...(mutant === 'fake-grant-all' ? [finding('fake-open', 'everything', 'high')] : []),
      ],
    })
    const report = await runProof({ ...RUN, boundaries: [boundary] })
    assert.equal(report.verdict, verdict, severity)
  }
})

test('the live boundary is inspected only on demand, and its findings fail the proof', async () => {
  const boundary = fakeBoundary({
    findings: (tier, mutant) =>
      tier === 'live' || mutant === 'fake-grant-all' ? [finding('fake-open', 'live', 'high')] : [],
  })
  assert.equal((await runProof({ ...RUN, boundaries: [boundary] })).verdict, 'proven')
  const report = await runProof({ ...RUN, boundaries: [boundary], live: true })
  assert.equal(report.verdict, 'leak')
  assert.equal(report.live[0]?.findings[0]?.rule, 'fake-open')
})

test('a live boundary that cannot be inspected makes the run void', async () => {
  const boundary = fakeBoundary({
    findings: (tier, mutant) => {
      if (tier === 'live') throw new Error('no route')
      return mutant === 'fake-grant-all' ? [finding('fake-open', 'x', 'high')] : []
    },
  })
  const report = await runProof({ ...RUN, boundaries: [boundary], live: true })
  assert.deepEqual([report.verdict, report.live[0]?.voidReasons], ['void', ['no route']])
})
