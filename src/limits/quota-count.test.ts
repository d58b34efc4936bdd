import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { periodAt, type PeriodName } from './calendar-period.ts'
import { HandClock } from './hand-clock.test-support.ts'
import { QuotaCount } from './quota-count.ts'

const PERIODS: readonly PeriodName[] = ['minute', 'hour', 'day', 'month']
const moments = fc.integer({ min: 0, max: Date.UTC(2099, 0) })
const at = (text: string) => Date.parse(text)

describe('a period of the calendar', () => {
  test('holds its moment, and the next begins where it ends', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PERIODS), moments, (name, moment) => {
        const { start, end } = periodAt(name, moment)
        assert.ok(start <= moment && moment < end)
        assert.equal(periodAt(name, end).start, end)
        assert.equal(periodAt(name, end - 1).start, start)
      }),
      { numRuns: 300 },
    )
  })

  test('is as long as the calendar has it', () => {
    const february = periodAt('month', at('2028-02-29T23:59:59.999Z'))
    assert.deepEqual(february, { start: at('2028-02-01T00:00Z'), end: at('2028-03-01T00:00Z') })
    const december = periodAt('month', at('2026-12-31T23:59:59Z'))
    assert.equal(december.end, at('2027-01-01T00:00Z'))
    const day = periodAt('day', at('2026-03-29T01:30:00Z'))
    assert.deepEqual(day, { start: at('2026-03-29T00:00Z'), end: at('2026-03-30T00:00Z') })
  })
})

describe('a quota', () => {
  const daily = { kind: 'quota', amount: 5, period: 'day' } as const

  test('is not exceeded in any period, whenever it is asked, and begins anew with the next', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PERIODS),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.record({ wait: fc.nat(40_000_000), amount: fc.nat(4) }), { maxLength: 80 }),
        (period, amount, steps) => {
          const clock = new HandClock()
          const count = new QuotaCount({ kind: 'quota', amount, period }, clock)
          const taken = new Map<number, number>()
          for (const step of steps) {
            clock.pass(step.wait)
            const { start } = periodAt(period, clock.wall())
            const before = taken.get(start) ?? 0
            const { allowed } = count.take(step.amount)
            assert.equal(allowed, before + step.amount <= amount)
            if (allowed) taken.set(start, before + step.amount)
          }
          for (const sum of taken.values()) assert.ok(sum <= amount)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('ends with its period, to the millisecond', () => {
    const clock = new HandClock(at('2026-11-26T23:59:59.000Z'))
    const count = new QuotaCount(daily, clock)
    assert.ok(count.take(5).allowed)
    const refused = count.take(1)
    assert.deepEqual(refused, { allowed: false, remaining: 0, resetMs: 1_000, waitMs: 1_000 })
    clock.pass(999)
    assert.equal(count.take(1).allowed, false)
    clock.pass(1)
    assert.deepEqual(count.take(1), {
      allowed: true,
      remaining: 5,
      resetMs: 86_400_000,
      waitMs: 0,
    })
  })

  test('a clock that is set back gives nothing back', () => {
    const clock = new HandClock(at('2026-11-27T00:00:01.000Z'))
    const count = new QuotaCount(daily, clock)
    count.take(5)
    clock.pass(-2_000)
    assert.equal(count.take(1).allowed, false)
    clock.pass(2_000)
    assert.equal(count.take(1).allowed, false)
  })

  test('what is known afterwards is counted though it is more than there was', () => {
    const clock = new HandClock()
    const count = new QuotaCount(daily, clock)
    count.settle(12)
    assert.equal(count.look(1).allowed, false)
    assert.equal(count.look(1).remaining, 0)
    count.giveBack(8)
    assert.ok(count.look(1).allowed)
  })

  test('what there is, what is taken and what is left then are one account', () => {
    const clock = new HandClock()
    const count = new QuotaCount(daily, clock)
    for (const amount of [0, 3, 1, 4, 9, 2]) {
      assert.equal(count.has(amount), count.look(amount).allowed)
      assert.deepEqual(count.settle(amount), count.look(0))
    }
  })
})
