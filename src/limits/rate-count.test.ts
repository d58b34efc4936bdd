import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HandClock } from './hand-clock.test-support.ts'
import { RateCount } from './rate-count.ts'

const spec = (requests: number, seconds: number, burst = requests) => ({
  kind: 'rate' as const,
  everyMs: (seconds * 1000) / requests,
  burst,
})

const rates = fc.record({
  requests: fc.integer({ min: 1, max: 10_000 }),
  seconds: fc.integer({ min: 1, max: 3_600 }),
  burst: fc.integer({ min: 1, max: 50 }),
})

test('in no window, wherever it begins, there are more requests than the burst and what time has brought', () => {
  fc.assert(
    fc.property(
      rates,
      fc.array(fc.record({ wait: fc.double({ min: 0, max: 3, noNaN: true }), asked: fc.nat(8) }), {
        maxLength: 60,
      }),
      ({ requests, seconds, burst }, steps) => {
        const clock = new HandClock()
        const { everyMs } = spec(requests, seconds)
        const count = new RateCount({ kind: 'rate', everyMs, burst }, clock)
        const at: number[] = []
        for (const { wait, asked } of steps) {
          clock.pass(wait * everyMs)
          for (let n = 0; n < asked; n += 1) if (count.take(1).allowed) at.push(clock.now())
        }
        for (let from = 0; from < at.length; from += 1) {
          for (let to = from; to < at.length; to += 1) {
            const window = (at[to] ?? 0) - (at[from] ?? 0)
            assert.ok(to - from + 1 <= burst + window / everyMs + 1e-3)
          }
        }
      },
    ),
    { numRuns: 200 },
  )
})

test('who keeps to the rate is never refused, however long it goes on', () => {
  fc.assert(
    fc.property(rates, ({ requests, seconds, burst }) => {
      const clock = new HandClock()
      const count = new RateCount(spec(requests, seconds, burst), clock)
      for (let n = 0; n < 2_000; n += 1) {
        assert.ok(count.take(1).allowed)
        clock.pass((seconds * 1000) / requests)
      }
    }),
    { numRuns: 50 },
  )
})

test('asking all the time gets the rate, to the request, after a year as on the first day', () => {
  const clock = new HandClock()
  clock.pass(365 * 86_400_000)
  const count = new RateCount(spec(7, 3, 2), clock)
  let taken = 0
  for (let step = 0; step < 300_000; step += 1) {
    if (count.take(1).allowed) taken += 1
    clock.pass(1)
  }
  assert.ok(Math.abs(taken - (2 + 700)) <= 1, `${taken}`)
})

test('what is left and how long to wait is said as it is', () => {
  const clock = new HandClock()
  const count = new RateCount(spec(60, 60, 3), clock)
  assert.deepEqual(count.look(1), { allowed: true, remaining: 3, resetMs: 0, waitMs: 0 })
  for (let n = 0; n < 3; n += 1) assert.ok(count.take(1).allowed)
  const refused = count.take(1)
  assert.deepEqual(refused, { allowed: false, remaining: 0, resetMs: 3_000, waitMs: 1_000 })
  clock.pass(999)
  assert.equal(count.take(1).allowed, false)
  clock.pass(1)
  assert.ok(count.take(1).allowed)
})

test('looking takes nothing, and a refusal takes nothing', () => {
  const clock = new HandClock()
  const count = new RateCount(spec(10, 10, 2), clock)
  for (let n = 0; n < 9; n += 1) count.look(1)
  assert.ok(count.take(2).allowed)
  for (let n = 0; n < 9; n += 1) count.take(1)
  clock.pass(1_000)
  assert.ok(count.take(1).allowed)
})

test('it is as good as new once time has made up for everything, and not before', () => {
  const clock = new HandClock()
  const count = new RateCount(spec(1, 10, 1), clock)
  assert.ok(count.idle)
  count.take(1)
  clock.pass(9_999)
  assert.equal(count.idle, false)
  clock.pass(1)
  assert.ok(count.idle)
})

test('what there is, what is taken and what is left then are one account', () => {
  fc.assert(
    fc.property(
      rates,
      fc.array(fc.record({ wait: fc.double({ min: 0, max: 3, noNaN: true }), amount: fc.nat(4) }), {
        maxLength: 30,
      }),
      ({ requests, seconds, burst }, steps) => {
        const clock = new HandClock()
        const { everyMs } = spec(requests, seconds)
        const count = new RateCount({ kind: 'rate', everyMs, burst }, clock)
        for (const { wait, amount } of steps) {
          clock.pass(wait * everyMs)
          assert.equal(count.has(amount), count.look(amount).allowed)
          assert.deepEqual(count.settle(amount), count.look(0))
        }
      },
    ),
    { numRuns: 100 },
  )
})
