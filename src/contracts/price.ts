import { z } from 'zod'
import { parsed } from '../core/parsed.ts'
import { parseCurrency } from './currency.ts'

const label = z.string().regex(/^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}$/)
/** Integer minor units of the price's currency: cents, yen, fils. */
const amount = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
/** Whole units of a meter. */
const units = z.int().min(1).max(Number.MAX_SAFE_INTEGER)

/** How often an invoice is made. Periods are those of the calendar, UTC. */
export const BILLING_PERIODS = ['month', 'quarter', 'year'] as const
export type BillingPeriod = (typeof BILLING_PERIODS)[number]

const named = {
  /** Tells charges of a price apart, and is what invoices name them by. */
  name: label,
  /** What people read. Default: the name. */
  text: z.string().min(1).max(200).optional(),
}

const metered = {
  ...named,
  meter: label,
  /** Only usage of these groups of the meter: what it groups by, and the one value. */
  where: z
    .record(
      z.string().regex(/^(?:@[a-z]+|[A-Za-z_][A-Za-z0-9_.-]{0,79})$/),
      z.string().min(1).max(200),
    )
    .optional(),
  /** Units that cost nothing. What comes next begins after them. */
  included: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  /** At least so much, whatever was used. */
  minimum: amount.optional(),
}

/** `amount` for each `per` units, exactly: 3 per 1000 is three thousandths a unit. */
const perUnit = { amount, per: units.default(1) }

const tierSchema = z.strictObject({
  /** The last unit of it. The last tier has none. */
  upTo: units.optional(),
  ...perUnit,
  /** Once, if anything falls into it. */
  flat: amount.optional(),
})
export type PriceTier = z.output<typeof tierSchema>

const tiers = z
  .array(tierSchema)
  .min(1)
  .max(30)
  .refine(
    (list) =>
      list.every(({ upTo }, index) =>
        index === list.length - 1
          ? upTo === undefined
          : upTo !== undefined && upTo > (list[index - 1]?.upTo ?? 0),
      ),
    'each tier ends above the one before it, and the last one has no end',
  )

export const chargeSchema = z.discriminatedUnion('kind', [
  /** The same every period. */
  z.strictObject({ ...named, kind: z.literal('flat'), amount }),
  z.strictObject({ ...metered, kind: z.literal('unit'), ...perUnit }),
  /** Each unit at the price of the tier that it falls into. */
  z.strictObject({ ...metered, kind: z.literal('graduated'), tiers }),
  /** All units at the price of the tier that the last one falls into. */
  z.strictObject({ ...metered, kind: z.literal('volume'), tiers }),
  /** A package that was begun is paid whole. */
  z.strictObject({ ...metered, kind: z.literal('package'), amount, size: units }),
])
export type Charge = z.output<typeof chargeSchema>
export type MeteredCharge = Exclude<Charge, { kind: 'flat' }>

/** How much may be used, whatever it costs. */
export const usageQuotaSchema = z.strictObject({
  name: label,
  meter: label,
  amount: units,
  period: z.enum(['day', 'month']),
  /** True: the gateway serves no more until the period ends. False: it is said, and goes on. */
  hard: z.boolean().default(false),
})
export type UsageQuota = z.output<typeof usageQuotaSchema>

const unique = (list: readonly { readonly name: string }[]) =>
  new Set(list.map(({ name }) => name)).size === list.length

/** What a plan costs. Each generation of a plan's manifest is a version of its price. */
export const priceSchema = z.strictObject({
  /** ISO 4217: `EUR`. */
  currency: parsed(parseCurrency),
  period: z.enum(BILLING_PERIODS).default('month'),
  /**
   * From when it counts. A tenant pays the price that counts as its period begins, or as it comes to the
   * plan within one. Default: when it was applied.
   */
  effectiveFrom: z.iso.datetime({ offset: true }).optional(),
  /**
   * What part of flat amounts, minimums and included units a part of a period has: by time, by the days
   * begun in UTC, or all of it.
   */
  proration: z.enum(['second', 'day', 'none']).default('second'),
  /** All charges together cost at least so much. */
  minimum: amount.optional(),
  charges: z
    .array(chargeSchema)
    .max(100)
    .refine(unique, 'two charges have one name')
    .refine((all) => all.every(({ name }) => name !== 'minimum'), 'minimum is the plan’s own line'),
  quotas: z.array(usageQuotaSchema).max(20).refine(unique, 'two quotas have one name').optional(),
})
export type Price = z.output<typeof priceSchema>
export type Proration = Price['proration']
