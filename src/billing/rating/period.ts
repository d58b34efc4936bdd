import type { BillingPeriod, Proration } from '../../contracts/price.ts'
import { RingfenceError } from '../../core/errors.ts'
import { ONE, type Rational, rational } from './rational.ts'

declare const periodBrand: unique symbol
/** A period of the calendar, UTC: `2026-07`, `2026-q3`, `2026`. */
export type PeriodId = string & { readonly [periodBrand]: true }

/** A stretch of time. */
export interface Span {
  /** Inclusive. */
  readonly from: Date
  /** Exclusive. */
  readonly to: Date
}

export interface Period extends Span {
  readonly id: PeriodId
  readonly kind: BillingPeriod
}

const MONTHS: Readonly<Record<BillingPeriod, number>> = { month: 1, quarter: 3, year: 12 }
const DAY_MS = 86_400_000

/** @throws RingfenceError `invalid_argument` */
export function parsePeriod(value: unknown): Period {
  const match = /^([2-9]\d{3})(?:-(0[1-9]|1[0-2])|-q([1-4]))?$/.exec(
    typeof value === 'string' ? value : '',
  )
  if (match === null) {
    throw new RingfenceError('invalid_argument', 'a period is like 2026-07, 2026-q3 or 2026')
  }
  const [, year, month, quarter] = match
  if (month !== undefined) return periodFrom('month', Number(year), Number(month) - 1)
  if (quarter !== undefined) return periodFrom('quarter', Number(year), (Number(quarter) - 1) * 3)
  return periodFrom('year', Number(year), 0)
}

/** The period that a moment is in. */
export function periodAt(kind: BillingPeriod, moment: Date): Period {
  const months = MONTHS[kind]
  const month = Math.floor(moment.getUTCMonth() / months) * months
  return periodFrom(kind, moment.getUTCFullYear(), month)
}

function periodFrom(kind: BillingPeriod, year: number, month: number): Period {
  const from = new Date(Date.UTC(year, month))
  const to = new Date(Date.UTC(year, month + MONTHS[kind]))
  const mm = String(month + 1).padStart(2, '0')
  const id = { month: `${year}-${mm}`, quarter: `${year}-q${month / 3 + 1}`, year: `${year}` }[kind]
  return { id: id as PeriodId, kind, from, to }
}

/** What two stretches have in common; undefined for nothing. */
export function overlap(a: Span, b: Span): Span | undefined {
  const from = Math.max(a.from.getTime(), b.from.getTime())
  const to = Math.min(a.to.getTime(), b.to.getTime())
  return from < to ? { from: new Date(from), to: new Date(to) } : undefined
}

/**
 * What part of a period a span in it is. Parts that make up the whole add up to one, by `second` (to the
 * millisecond, in truth) and by `day`: the day of a change belongs to what begins on it.
 */
export function shareOf(span: Span, period: Span, proration: Proration): Rational {
  if (proration === 'none') return ONE
  const unit = proration === 'day' ? DAY_MS : 1
  const at = (moment: Date) => BigInt(Math.floor(moment.getTime() / unit))
  return rational(at(span.to) - at(span.from), at(period.to) - at(period.from))
}
