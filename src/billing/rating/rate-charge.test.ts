import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Charge, chargeSchema } from '../../contracts/price.ts'
import { rateCharge } from './rate-charge.ts'
import {
  compare,
  minus,
  ONE,
  plus,
  type Rational,
  rational,
  roundHalfEven,
  times,
  ZERO,
} from './rational.ts'

const micros = fc.bigInt({ min: 0n, max: 10n ** 14n })
const amount = fc.nat({ max: 100_000 })
const per = fc.integer({ min: 1, max: 10_000 })
const included = fc.nat({ max: 5_000 })

const tiersUpTo = (max: number) =>
  fc
    .tuple(
      fc.uniqueArray(fc.integer({ min: 1, max }), { maxLength: 5 }),
      fc.array(fc.record({ amount, per }), { minLength: 6, maxLength: 6 }),
    )
    .map(([ends, prices]) => {
      const sorted = ends.toSorted((a, b) => a - b)
      return [...sorted, undefined].map((upTo, index) => ({
        ...(upTo === undefined ? {} : { upTo }),
        ...(prices[index] ?? { amount: 1, per: 1 }),
      }))
    })

const tiersOf = tiersUpTo(100_000)

const cost = (charge: Charge, quantity: bigint, share = ONE) =>
  rateCharge(charge, quantity, share).cost

const graduatedOf = (tiers: object[], more: object = {}) =>
  chargeSchema.parse({ kind: 'graduated', name: 'calls', meter: 'requests', tiers, ...more })

/** What a single unit at height `x` costs, looked up by itself. */
function marginal(charge: Charge, x: bigint): Rational {
  assert.ok(charge.kind === 'graduated')
  const tier = charge.tiers.find(({ upTo }) => upTo === undefined || x < BigInt(upTo))
  return tier === undefined ? ZERO : rational(BigInt(tier.amount), BigInt(tier.per))
}

test('a graduated price is the integral of its marginal prices', () => {
  fc.assert(
    fc.property(tiersUpTo(300), fc.integer({ min: 0, max: 300 }), (tiers, units) => {
      const charge = graduatedOf(tiers)
      let integral = ZERO
      for (let x = 0n; x < BigInt(units); x += 1n) integral = plus(integral, marginal(charge, x))
      assert.deepEqual(cost(charge, BigInt(units) * 1_000_000n), integral)
    }),
    { numRuns: 100 },
  )
})

test('more usage never costs less, for all but volume prices', () => {
  const charges = fc.oneof(
    fc.record({ kind: fc.constant('unit'), amount, per, included, minimum: amount }),
    fc.record({ kind: fc.constant('package'), amount, size: per, included }),
    fc.record({ kind: fc.constant('graduated'), tiers: tiersOf, included, minimum: amount }),
  )
  fc.assert(
    fc.property(charges, micros, micros, (form, a, more) => {
      const charge = chargeSchema.parse({ ...form, name: 'calls', meter: 'requests' })
      assert.ok(compare(cost(charge, a), cost(charge, a + more)) <= 0)
    }),
    { numRuns: 300 },
  )
})

test('a graduated price is the sum of its steps, and its steps hold all that was used', () => {
  fc.assert(
    fc.property(tiersOf, micros, included, (tiers, quantity, free) => {
      const rated = rateCharge(graduatedOf(tiers, { included: free }), quantity, ONE)
      const add = (all: readonly Rational[]) => all.reduce((sum, one) => plus(sum, one), ZERO)
      assert.deepEqual(rated.cost, add(rated.steps.map((step) => step.cost)))
      const used = add([rated.included, ...rated.steps.map((step) => step.quantity)])
      assert.deepEqual(used, rational(quantity, 1_000_000n))
    }),
    { numRuns: 300 },
  )
})

test('where all tiers cost the same, graduated, volume and unit prices are one', () => {
  fc.assert(
    fc.property(tiersOf, micros, amount, per, (tiers, quantity, each, by) => {
      const same = tiers.map((tier) => ({ ...tier, amount: each, per: by }))
      const unit = { kind: 'unit', name: 'calls', meter: 'requests', amount: each, per: by }
      const expected = cost(chargeSchema.parse(unit), quantity)
      assert.deepEqual(cost(graduatedOf(same), quantity), expected)
      const volume = { kind: 'volume', name: 'calls', meter: 'requests', tiers: same }
      assert.deepEqual(cost(chargeSchema.parse(volume), quantity), expected)
    }),
    { numRuns: 200 },
  )
})

test('a volume price counts every unit at the tier of the last, boundaries inside', () => {
  const charge = chargeSchema.parse({
    kind: 'volume',
    name: 'calls',
    meter: 'requests',
    tiers: [{ upTo: 10, amount: 5 }, { upTo: 20, amount: 3, flat: 7 }, { amount: 1 }],
  })
  const at = (units: bigint) => roundHalfEven(cost(charge, units * 1_000_000n))
  assert.deepEqual([0n, 10n, 11n, 20n, 21n].map(at), [0n, 50n, 40n, 67n, 21n])
})

test('graduated tiers end with their last unit, and a flat part is paid once it is reached', () => {
  const charge = graduatedOf([
    { upTo: 10, amount: 5, flat: 100 },
    { upTo: 20, amount: 3, flat: 10 },
    { amount: 1 },
  ])
  const at = (units: bigint) => roundHalfEven(cost(charge, units * 1_000_000n))
  assert.deepEqual([0n, 1n, 10n, 11n, 20n, 25n].map(at), [0n, 105n, 150n, 163n, 190n, 195n])
})

test('a package that was begun is paid whole, and none that was not', () => {
  const charge = chargeSchema.parse({
    kind: 'package',
    name: 'mails',
    meter: 'mails',
    amount: 900,
    size: 1000,
    included: 500,
  })
  const at = (quantity: bigint) => roundHalfEven(cost(charge, quantity))
  assert.equal(at(500_000_000n), 0n)
  assert.equal(at(500_000_001n), 900n)
  assert.equal(at(1_500_000_000n), 900n)
  assert.equal(at(1_500_000_001n), 1800n)
})

test('usage below zero costs the minimum and no less', () => {
  const unit = { kind: 'unit', name: 'calls', meter: 'requests', amount: 3, minimum: 40 }
  assert.deepEqual(cost(chargeSchema.parse(unit), -5_000_000n), rational(40n))
})

test('rounding is to the nearest, to the even of two, and the same below zero', () => {
  const cases: [bigint, bigint, bigint][] = [
    [1n, 2n, 0n],
    [3n, 2n, 2n],
    [5n, 2n, 2n],
    [51n, 100n, 1n],
    [49n, 100n, 0n],
    [7n, 2n, 4n],
  ]
  for (const [n, d, rounded] of cases) {
    assert.equal(roundHalfEven(rational(n, d)), rounded)
    assert.equal(roundHalfEven(rational(-n, d)), -rounded)
  }
  fc.assert(
    fc.property(fc.bigInt(), fc.bigInt({ min: 1n, max: 10n ** 9n }), (n, d) => {
      const exact = rational(n, d)
      const twice = times(rational(2n), minus(exact, rational(roundHalfEven(exact))))
      assert.ok(compare(twice, ONE) <= 0 && compare(twice, rational(-1n)) >= 0)
    }),
    { numRuns: 300 },
  )
})

test('tiers that do not rise, or do not end open, are no price', () => {
  const bad = [
    [{ upTo: 10, amount: 1 }],
    [{ amount: 1 }, { amount: 2 }],
    [{ upTo: 10, amount: 1 }, { upTo: 10, amount: 1 }, { amount: 1 }],
    [],
  ]
  for (const tiers of bad) assert.throws(() => graduatedOf(tiers))
})
