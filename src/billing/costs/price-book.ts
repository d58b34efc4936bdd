import { z } from 'zod'
import { parseCurrency } from '../../contracts/currency.ts'
import { parsed } from '../../core/parsed.ts'
import { COST_KINDS } from './cost-source.ts'

const amount = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const units = z.int().min(1).max(Number.MAX_SAFE_INTEGER)

/** `amount` minor units for each `per` of the kind's unit. */
const rateSchema = z.strictObject({ amount, per: units })

const tierSchema = z.strictObject({
  /** What one tenant of the tier costs a month, whatever it does: a silo's server. */
  monthly: amount,
  /** What that covers: of these kinds nothing is paid besides. */
  covers: z.array(z.enum(COST_KINDS)).default([]),
})

/** What things cost the operator, in one currency. Nothing of it is shown to tenants. */
export const priceBookSchema = z.strictObject({
  currency: parsed(parseCurrency),
  rates: z.strictObject({
    storage: rateSchema.optional(),
    query: rateSchema.optional(),
    gateway: rateSchema.optional(),
    egress: rateSchema.optional(),
  }),
  tiers: z.strictObject({ pooled: tierSchema, bridge: tierSchema, silo: tierSchema }),
  /** What all pay together, a month: each by its share of a meter. */
  shared: z
    .array(z.strictObject({ name: z.string().min(1).max(60), monthly: amount, meter: z.string() }))
    .max(20)
    .default([]),
})
export type PriceBook = z.output<typeof priceBookSchema>
