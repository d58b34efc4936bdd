import { z } from 'zod'
import { type PriceBook, priceBookSchema } from '../billing/costs/price-book.ts'
import { parseCellName } from '../core/tenant.ts'
import { parsed } from '../core/parsed.ts'
import { address } from './spec-parts.ts'

const GIB = 1024 ** 3
/** Of a year's twelfth. */
const MONTH_HOURS = 730
const HOUR_MICROS = 3_600_000_000

const amount = z.int().min(0).max(1_000_000_000_000)
/** Minor units for one, or for each `per`: what costs less than a cent. */
const price = z.union([
  amount.transform((one) => ({ amount: one, per: 1 })),
  z.strictObject({ amount, per: z.int().min(1).max(10_000) }),
])
const NOTHING = { monthly: 0, covers: [] }

/** What things cost the operator, as people are billed for them. Nothing of it is shown to tenants. */
export const costsSchema = z.strictObject({
  currency: priceBookSchema.shape.currency,
  prices: z
    .strictObject({
      /** A GiB kept for a month, of 730 hours. */
      storageGibMonth: price.exactOptional(),
      /** An hour for which an engine worked for the tenant. */
      engineHour: price.exactOptional(),
      /** An hour of a gateway's processor. */
      gatewayHour: price.exactOptional(),
      /** A GiB of bodies sent to callers. */
      egressGib: price.exactOptional(),
    })
    .prefault({}),
  tiers: z
    .strictObject({
      pooled: priceBookSchema.shape.tiers.shape.pooled.default(NOTHING),
      bridge: priceBookSchema.shape.tiers.shape.bridge.default(NOTHING),
      silo: priceBookSchema.shape.tiers.shape.silo.default(NOTHING),
    })
    .prefault({}),
  shared: priceBookSchema.shape.shared,
  /** How often cells are asked: it reads every row of shared tables. */
  readEverySeconds: z.int().min(1).max(86_400).default(3_600),
})
export type CostsSettings = z.output<typeof costsSchema>

/** What the records plane is told: prices by what is measured, and which cells measure. */
export const costsSpec = z.strictObject({
  book: priceBookSchema,
  everyMs: z.int().min(1_000),
  cells: z.array(z.strictObject({ name: parsed(parseCellName), meter: address })),
})

/** Prices of byte-hours, microseconds and bytes. */
export function priceBookOf({ currency, prices, tiers, shared }: CostsSettings): PriceBook {
  const rate = (one: z.output<typeof price> | undefined, units: number) =>
    one && { amount: one.amount, per: one.per * units }
  return priceBookSchema.parse({
    ...{ currency, tiers, shared },
    rates: {
      storage: rate(prices.storageGibMonth, GIB * MONTH_HOURS),
      query: rate(prices.engineHour, HOUR_MICROS),
      gateway: rate(prices.gatewayHour, HOUR_MICROS),
      egress: rate(prices.egressGib, GIB),
    },
  })
}
