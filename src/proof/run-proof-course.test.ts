import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { FAKE_ATTACKS, fakeBoundary, RUN } from './fake-boundary.test-support.ts'
import { type ProofEvent } from './proof-options.ts'
import { runProof } from './run-proof.ts'

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

test('by default strikes of one rehearsal follow each other while tiers run side by side', async () => {
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
  assert.ok(together === 2 || together === 3, String(together))
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
