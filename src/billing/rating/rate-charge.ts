import type { Charge, MeteredCharge, PriceTier } from '../../contracts/price.ts'
import type { Micros } from '../../metering/usage-readings.ts'
import {
  atLeastZero,
  ceiling,
  compare,
  least,
  minus,
  plus,
  type Rational,
  rational,
  times,
  ZERO,
} from './rational.ts'

const MICROS_A_UNIT = 1_000_000n

/** A part of a charge, as its payer can follow it. */
export interface Step {
  /** Units. */
  readonly quantity: Rational
  /** Minor units, before rounding. */
  readonly cost: Rational
}

/** What a charge comes to, before rounding. */
export interface Rated {
  readonly cost: Rational
  /** Units that were free. */
  readonly included: Rational
  readonly steps: readonly Step[]
}

/**
 * What a charge costs: exact, in minor units. Less than nothing used counts as nothing: usage that was
 * taken back is not paid out.
 * @param quantity of the charge's meter in the span; of a flat charge it is not looked at
 * @param share of the period: of flat amounts, of minimums and of included units. Tiers and packages are
 *   whole in every span.
 */
export function rateCharge(charge: Charge, quantity: Micros, share: Rational): Rated {
  if (charge.kind === 'flat') {
    return { cost: times(whole(charge.amount), share), included: ZERO, steps: [] }
  }
  const used = atLeastZero(rational(quantity, MICROS_A_UNIT))
  const included = least(used, times(whole(charge.included ?? 0), share))
  const steps = stepsOf(charge, minus(used, included))
  const cost = sum(steps.map((step) => step.cost))
  const floor = times(whole(charge.minimum ?? 0), share)
  return { cost: compare(cost, floor) < 0 ? floor : cost, included, steps }
}

function stepsOf(charge: MeteredCharge, quantity: Rational): readonly Step[] {
  if (quantity.n === 0n) return []
  if (charge.kind === 'unit') return [{ quantity, cost: priced(quantity, charge) }]
  if (charge.kind === 'graduated') return graduated(charge.tiers, quantity)
  if (charge.kind === 'volume') {
    const tier = charge.tiers.find(
      ({ upTo }) => upTo === undefined || compare(quantity, whole(upTo)) <= 0,
    )
    return tier === undefined ? [] : [stepIn(tier, quantity)]
  }
  const packages = ceiling(times(quantity, rational(1n, BigInt(charge.size))))
  return [{ quantity, cost: rational(packages * BigInt(charge.amount)) }]
}

function graduated(tiers: readonly PriceTier[], quantity: Rational): readonly Step[] {
  const steps: Step[] = []
  let below = ZERO
  for (const tier of tiers) {
    const end = tier.upTo === undefined ? quantity : least(quantity, whole(tier.upTo))
    const inside = minus(end, below)
    if (inside.n <= 0n) break
    steps.push(stepIn(tier, inside))
    below = end
  }
  return steps
}

function stepIn(tier: PriceTier, quantity: Rational): Step {
  return { quantity, cost: plus(priced(quantity, tier), whole(tier.flat ?? 0)) }
}

function priced(quantity: Rational, price: { readonly amount: number; readonly per: number }) {
  return times(quantity, rational(BigInt(price.amount), BigInt(price.per)))
}

function whole(value: number): Rational {
  return rational(BigInt(value))
}

function sum(all: readonly Rational[]): Rational {
  return all.reduce((total, one) => plus(total, one), ZERO)
}
