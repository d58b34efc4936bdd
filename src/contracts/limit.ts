import { z } from 'zod'

/** For whom a limit counts. Each is counted within one tenant: no key of two tenants is ever the same. */
export const COUNTED_PER = ['tenant', 'api', 'client', 'user', 'address'] as const

const common = {
  /** Tells limits apart in `RateLimit` fields. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
  per: z.enum(COUNTED_PER),
  /** Counted over all gateways, where they share a Redis. Default: each process by itself. */
  shared: z.boolean().optional(),
}

/** So many requests in so many seconds, as GCRA spreads them, with a burst on top. */
const rateSchema = z.strictObject({
  ...common,
  kind: z.literal('rate'),
  requests: z.int().min(1).max(10_000_000),
  seconds: z.int().min(1).max(86_400),
  /** Requests that may come at once. Default: `requests`. */
  burst: z.int().min(1).max(10_000_000).optional(),
})

/** So much in a period of the calendar, UTC. */
const quotaSchema = z.strictObject({
  ...common,
  kind: z.literal('quota'),
  /** Bytes are those of bodies in both directions; cost is what an API says that a request costs. */
  unit: z.enum(['requests', 'bytes', 'cost']),
  amount: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
  period: z.enum(['minute', 'hour', 'day', 'month']),
})

/** So many requests under way at once. */
const concurrencySchema = z.strictObject({
  ...common,
  kind: z.literal('concurrency'),
  requests: z.int().min(1).max(1_000_000),
})

export const limitSchema = z.discriminatedUnion('kind', [
  rateSchema,
  quotaSchema,
  concurrencySchema,
])

/** All limits of one plan, tenant or API: each is known there by its name. */
export const limitsSchema = z
  .array(limitSchema)
  .max(20)
  .refine((limits) => new Set(limits.map(({ name }) => name)).size === limits.length, {
    message: 'two limits have one name',
  })

export type LimitConfig = z.output<typeof limitSchema>
