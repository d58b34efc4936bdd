import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decimalOf, parseCurrency, unitsOf } from '../../contracts/currency.ts'
import { BILLING_PERIODS } from '../../contracts/price.ts'
import { overlap, parsePeriod, periodAt, shareOf } from './period.ts'
import { ONE, plus, ZERO } from './rational.ts'

test('a period is named and read again, and the one before ends where it begins', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...BILLING_PERIODS),
      fc.date({ min: new Date('2001-01-01'), max: new Date('2900-01-01'), noInvalidDate: true }),
      (kind, moment) => {
        const period = periodAt(kind, moment)
        assert.deepEqual(parsePeriod(period.id), period)
        assert.ok(period.from <= moment && moment < period.to)
        const before = periodAt(kind, new Date(period.from.getTime() - 1))
        assert.deepEqual(before.to, period.from)
      },
    ),
    { numRuns: 300 },
  )
})

test('what is no period is refused', () => {
  for (const value of ['2026-13', '2026-7', '2026-q5', '2026-Q1', '26', '', 202607, '2026-07-01']) {
    assert.throws(() => parsePeriod(value), { code: 'invalid_argument' })
  }
})

test('the parts of a period add up to it, cut wherever', () => {
  const period = parsePeriod('2026-02')
  const moment = fc.date({ min: period.from, max: period.to, noInvalidDate: true })
  fc.assert(
    fc.property(fc.array(moment), fc.constantFrom('second', 'day'), (cuts, proration) => {
      const edges = [period.from, ...cuts.toSorted((a, b) => Number(a) - Number(b)), period.to]
      const shares = edges
        .slice(1)
        .map((to, index) => shareOf({ from: edges[index] ?? to, to }, period, proration as 'day'))
      assert.deepEqual(
        shares.reduce((sum, one) => plus(sum, one), ZERO),
        ONE,
      )
    }),
    { numRuns: 200 },
  )
})

test('without proration a part is the whole', () => {
  const period = parsePeriod('2026-q1')
  const span = overlap(period, { from: new Date('2026-03-31'), to: new Date('2027-01-01') })
  assert.ok(span !== undefined)
  assert.deepEqual(shareOf(span, period, 'none'), ONE)
  assert.equal(overlap(period, { from: period.to, to: new Date('2027-01-01') }), undefined)
})

test('amounts are written with the digits of their currency', () => {
  const written = (minor: bigint, code: string) => decimalOf(minor, parseCurrency(code))
  assert.equal(written(1234n, 'EUR'), '12.34')
  assert.equal(written(-5n, 'EUR'), '-0.05')
  assert.equal(written(1234n, 'JPY'), '1234')
  assert.equal(written(1234n, 'KWD'), '1.234')
  assert.equal(written(7n, 'KWD'), '0.007')
  assert.throws(() => parseCurrency('XXX'), { code: 'invalid_argument' })
  assert.throws(() => parseCurrency('toString'), { code: 'invalid_argument' })
  assert.deepEqual([1_500_000n, -250n, 0n].map(unitsOf), ['1.5', '-0.00025', '0'])
})
