import { TIERS, type Tier } from '../../core/tenant.ts'
import type { Period } from '../rating/period.ts'
import { type Rational, rational, roundHalfEven, times } from '../rating/rational.ts'
import { COST_KINDS, type CostKind } from './cost-source.ts'
import type { PriceBook } from './price-book.ts'

/** A move is advised for so much less, in percent of what the tenant costs now. */
const SAVING_PERCENT_MIN = 20n
/** A pooled tenant that has so much of all the engine's time crowds the others. Percent. */
const CROWDING_PERCENT = 25n
/** Below it shares say nothing: an hour of engine time. Microseconds. */
const CROWDING_LEAST = 3_600_000_000n

export type Quantities = Readonly<Record<CostKind, bigint>>

export interface TierAdvice {
  readonly move: Tier
  readonly why: 'cheaper' | 'crowds'
  /** The numbers behind it, in one sentence. */
  readonly text: string
}

/** What a tenant would cost in each tier with what it used, in minor units. */
export function costByTier(
  book: PriceBook,
  used: Quantities,
  period: Period,
): Readonly<Record<Tier, bigint>> {
  const of = (tier: Tier): bigint => {
    const { monthly, covers } = book.tiers[tier]
    const fixed = times(rational(BigInt(monthly)), months(period))
    return COST_KINDS.filter((kind) => !covers.includes(kind)).reduce(
      (sum, kind) => sum + costOf(book, kind, used[kind]),
      roundHalfEven(fixed),
    )
  }
  return { pooled: of('pooled'), bridge: of('bridge'), silo: of('silo') }
}

/** Minor units, each kind rounded once. */
export function costOf(book: PriceBook, kind: CostKind, quantity: bigint): bigint {
  const rate = book.rates[kind]
  if (rate === undefined) return 0n
  return roundHalfEven(rational(quantity * BigInt(rate.amount), BigInt(rate.per)))
}

/**
 * Whether a tenant would be better off elsewhere; undefined when not, or not by enough.
 * @param everybody the engine's time that all pooled tenants used together
 * @param unknown what nobody measured, which is said with the numbers
 */
export function adviceFor(
  tier: Tier,
  costs: Readonly<Record<Tier, bigint>>,
  used: Quantities,
  everybody: bigint,
  unknown: readonly CostKind[] = [],
): TierAdvice | undefined {
  const without = unknown.length === 0 ? '' : `; not measured: ${unknown.join(', ')}`
  if (tier === 'pooled' && used.query >= CROWDING_LEAST) {
    const percent = everybody === 0n ? 0n : (used.query * 100n) / everybody
    if (percent >= CROWDING_PERCENT) {
      const text = `it has ${percent} % of all engine time of pooled tenants (${CROWDING_PERCENT} % is the mark)${without}`
      return { move: 'bridge', why: 'crowds', text }
    }
  }
  const cheapest = TIERS.reduce((best, one) => (costs[one] < costs[best] ? one : best), tier)
  const saving = costs[tier] - costs[cheapest]
  if (cheapest === tier || saving * 100n < costs[tier] * SAVING_PERCENT_MIN) return undefined
  const text = `it costs ${costs[tier]} as ${tier}, and would cost ${costs[cheapest]} as ${cheapest}`
  return { move: cheapest, why: 'cheaper', text: `${text} (minor units)${without}` }
}

/** How many months a period has. */
export function months(period: Period): Rational {
  return rational({ month: 1n, quarter: 3n, year: 12n }[period.kind])
}
