import { z } from 'zod'
import { parseCurrency } from '../../contracts/currency.ts'
import { parsed } from '../../core/parsed.ts'

const label = z.string().regex(/^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}$/)
/** Percent, in rising order. Each is told once a period. */
const thresholds = z
  .array(z.int().min(1).max(1_000))
  .min(1)
  .max(10)
  .refine((all) => all.every((one, index) => one > (all[index - 1] ?? 0)), 'thresholds rise')
  .default([50, 80, 100])
const amount = z.int().min(1).max(Number.MAX_SAFE_INTEGER)

/** What somebody means to spend in a month of the calendar, UTC. Nothing is refused because of it. */
export const budgetSchema = z.discriminatedUnion('kind', [
  /** Minor units of what the invoice of the month would be, without taxes. */
  z.strictObject({ kind: z.literal('money'), currency: parsed(parseCurrency), amount, thresholds }),
  /** Units of one meter. */
  z.strictObject({ kind: z.literal('usage'), meter: label, amount, thresholds }),
])
export type Budget = z.output<typeof budgetSchema>
export const budgetNameSchema = label

/** How much of a budget is gone. */
export interface BudgetState {
  readonly name: string
  readonly budget: Budget
  readonly period: string
  /** Minor units, or micros of the meter's unit. */
  readonly spent: bigint
  /** Whole percent, rounded down. */
  readonly percent: number
}
