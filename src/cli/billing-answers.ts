import { z } from 'zod'
import { TIERS } from '../core/tenant.ts'
import { decimalOf, parseCurrency, unitsOf } from '../contracts/currency.ts'
import type { Columns } from './output.ts'

/** What the records plane answers of bills, as far as a terminal shows it. */
const whole = z.string().regex(/^-?\d+$/)
export const line = z.looseObject({
  kind: z.string(),
  charge: z.string(),
  plan: z.string(),
  quantity: whole.optional(),
  of: z.string().optional(),
  amount: whole,
})
export const draft = z.looseObject({
  period: z.string(),
  currency: z.string(),
  lines: z.array(line),
  subtotal: whole,
  total: whole,
  watermark: z.string(),
})
export const invoice = draft.extend({
  number: z.string(),
  series: z.string(),
  state: z.string(),
  issuedAt: z.string(),
})
export const items = <T>(item: z.ZodType<T>) => z.object({ items: z.array(item) })
export const recomputation = z.looseObject({
  number: z.string(),
  sent: whole,
  now: whole,
  differences: z.array(line),
})
export const reconciliation = z.looseObject({
  logged: z.number(),
  metered: z.number(),
  matched: z.number(),
  pending: z.number(),
  logCompared: z.boolean(),
  linesCompared: z.number(),
  more: z.number(),
  findings: z.array(
    z.looseObject({ kind: z.string(), about: z.string(), at: z.string(), text: z.string() }),
  ),
})
export const cost = z.looseObject({
  tenant: z.string(),
  tier: z.string(),
  currency: z.string(),
  cost: whole,
  revenue: whole,
  margin: whole,
  marginPercent: z.number().nullable(),
  parts: z.array(
    z.looseObject({ name: z.string(), quantity: whole, cost: whole, measured: z.boolean() }),
  ),
  byTier: z.record(z.enum(TIERS), whole),
  advice: z.looseObject({ move: z.string(), text: z.string() }).nullable(),
})

export const money = (minor: string, currency: string) =>
  decimalOf(BigInt(minor), parseCurrency(currency))

export const invoiceColumns: Columns<z.output<typeof invoice>> = (one) => ({
  number: one.number,
  period: one.period,
  state: one.series === 'invoice' ? one.state : 'credit note',
  total: money(one.total, one.currency),
  currency: one.currency,
  issued: one.issuedAt,
})
export const lineColumns =
  (currency: string): Columns<z.output<typeof line>> =>
  (one) => ({
    charge: one.charge,
    kind: one.kind,
    plan: one.plan,
    quantity: one.quantity === undefined ? '' : unitsOf(BigInt(one.quantity)),
    amount: money(one.amount, currency),
    corrects: one.of,
  })
