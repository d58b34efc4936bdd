import type { Severity } from '../../alerts/alert.ts'
import type { Counted } from './count-series.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

export interface BurnRule {
  readonly name: string
  readonly severity: Severity
  /** How many times faster than the budget allows. */
  readonly rate: number
  readonly longMs: number
  /** Says that it still burns, so that an alert ends soon after. */
  readonly shortMs: number
}

/**
 * Of the SRE workbook (chapter 5, "Multiwindow, Multi-Burn-Rate Alerts"): for a budget of 30 days, 2 %
 * of it in an hour, 5 % in six hours, 10 % in one day and in three days. Two page, two are for the day.
 */
export const BURN_RULES: readonly BurnRule[] = [
  {
    ...{ name: 'fast', severity: 'critical', rate: 14.4 },
    ...{ longMs: HOUR_MS, shortMs: 5 * MINUTE_MS },
  },
  {
    ...{ name: 'steady', severity: 'critical', rate: 6 },
    ...{ longMs: 6 * HOUR_MS, shortMs: 30 * MINUTE_MS },
  },
  {
    ...{ name: 'slow', severity: 'warning', rate: 3 },
    ...{ longMs: 24 * HOUR_MS, shortMs: 2 * HOUR_MS },
  },
  {
    ...{ name: 'drip', severity: 'warning', rate: 1 },
    ...{ longMs: 72 * HOUR_MS, shortMs: 6 * HOUR_MS },
  },
]

/** So few bad requests are no sign: one failure of a tenant that sleeps is not to wake anybody. */
export const BAD_LEAST = 5

/** How many times faster than allowed the budget goes; 0 when there were no requests. */
export function burnRate({ total, bad }: Counted, budget: number): number {
  return total === 0 ? 0 : bad / total / budget
}

export interface Burning {
  readonly rule: BurnRule
  /** In the long window. */
  readonly rate: number
  readonly bad: number
  readonly total: number
}

/** The rules that a series breaks now. */
export function burning(
  within: (milliseconds: number) => Counted,
  budget: number,
  rules: readonly BurnRule[] = BURN_RULES,
): readonly Burning[] {
  return rules.flatMap((rule) => {
    const long = within(rule.longMs)
    const rate = burnRate(long, budget)
    const burns =
      long.bad >= BAD_LEAST &&
      rate > rule.rate &&
      burnRate(within(rule.shortMs), budget) > rule.rate
    return burns ? [{ rule, rate, bad: long.bad, total: long.total }] : []
  })
}
