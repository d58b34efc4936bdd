import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import {
  attack,
  FAKE_ATTACKS,
  FAKE_MUTANTS,
  fakeBoundary,
  finding,
  RUN,
} from './fake-boundary.test-support.ts'
import { type ProofEvent } from './proof-options.ts'
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

test('strikes of one rehearsal may run at once and are still reported in order', async () => {
  let now = 0
  let most = 0
  const boundary = fakeBoundary({
    tiers: ['pooled'],
    before: async (step) => {
      if (step !== 'strike') return
      now += 1
      most = Math.max(most, now)
      await new Promise((resolve) => setTimeout(resolve, now % 2 === 0 ? 4 : 1))
      now -= 1
    },
  })
  const report = await runProof({
    ...RUN,
    boundaries: [boundary],
    strikesAtOnce: 3,
    mutants: false,
  })
  assert.equal(most, 3)
  assert.deepEqual(
    [...new Set(report.tiers[0]?.strikes.map((strike) => strike.attack))],
    FAKE_ATTACKS.map(({ id }) => id),
  )
})

test('by default strikes of one rehearsal follow each other while two tiers run side by side', async () => {
  const running = new Map<string, number>()
  let together = 0
  const boundary = fakeBoundary({
    before: async (step, tier) => {
      if (step !== 'strike') return
      assert.equal(running.get(tier) ?? 0, 0, 'no other strike in this rehearsal')
      running.set(tier, 1)
      together = Math.max(
        together,
        [...running.values()].reduce((sum, n) => sum + n, 0),
      )
      await new Promise((resolve) => setTimeout(resolve, 1))
      running.set(tier, 0)
    },
  })
  await runProof({ ...RUN, boundaries: [boundary], mutants: false })
  assert.equal(together, 2)
})

test('a call that never returns ends its tier as void and nothing else', async () => {
  const boundary = fakeBoundary({
    before: async (step, tier, id) => {
      if (step === 'strike' && tier === 'pooled' && id === 'fake-write') await new Promise(() => {})
    },
  })
  const report = await runProof({ ...RUN, boundaries: [boundary], callSecondsMax: 0.05 })
  assert.equal(report.verdict, 'void')
  assert.deepEqual(report.tiers[0]?.voidReasons, [
    'attack fake-write took longer than 0.05 seconds',
  ])
  assert.equal(report.tiers[0]?.strikes.length, 6)
  assert.deepEqual(report.tiers[1]?.voidReasons, [])
  assert.equal(boundary.open.size, 0)
})

test('a rehearsal that comes too late is closed when it comes', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const boundary = fakeBoundary({
    tiers: ['pooled'],
    before: async (step) => {
      if (step === 'rehearse') await promise
      if (step === 'close') closed.resolve()
    },
  })
  const report = await runProof({ ...RUN, boundaries: [boundary], callSecondsMax: 0.02 })
  assert.equal(report.verdict, 'void')
  resolve()
  await closed.promise
  assert.equal(boundary.open.size, 0)
})

test('a copy that cannot be closed is reported as left behind', async () => {
  const boundary = fakeBoundary({
    before: (step, tier) => {
      if (step === 'close' && tier === 'silo') throw new Error('busy')
    },
  })
  const report = await runProof({ ...RUN, boundaries: [boundary], mutants: false })
  assert.equal(report.verdict, 'proven')
  assert.deepEqual(report.warnings, ['the silo rehearsal on fake may be left behind: busy'])
})

test('an interrupted run starts nothing more, closes its copies and throws void_run', async () => {
  const controller = new AbortController()
  const boundary = fakeBoundary({
    before: (step, _tier, id) => {
      if (step === 'strike' && id === 'fake-write') controller.abort()
    },
  })
  await assert.rejects(
    runProof({ ...RUN, boundaries: [boundary], signal: controller.signal }),
    (error) => error instanceof RingfenceError && error.code === 'void_run',
  )
  assert.ok(boundary.struck.length < 20)
  assert.equal(boundary.open.size, 0)
})

test('a run that was interrupted before it began makes no copy', async () => {
  const boundary = fakeBoundary()
  await assert.rejects(
    runProof({ ...RUN, boundaries: [boundary], signal: AbortSignal.abort() }),
    (error) => error instanceof RingfenceError && error.code === 'void_run',
  )
  assert.equal(boundary.struck.length, 0)
})

test('progress names the totals first and then every strike and mutant', async () => {
  const events: ProofEvent[] = []
  const report = await runProof({
    ...RUN,
    boundaries: [fakeBoundary()],
    onProgress: (event) => events.push(event),
  })
  const planned = events[0]
  assert.equal(planned?.type, 'planned')
  const strikes = planned.tiers.reduce((sum, tier) => sum + tier.strikes, 0)
  const mutants = planned.tiers.reduce((sum, tier) => sum + tier.mutants, 0)
  assert.equal(events.filter(({ type }) => type === 'strike').length, strikes)
  assert.equal(events.filter(({ type }) => type === 'mutant').length, mutants)
  assert.deepEqual([strikes, mutants], [report.counts.strikes, report.counts.mutants])
})

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
