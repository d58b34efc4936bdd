import { z } from 'zod'

/**
 * A quota of usage that a tenant has used up, as billing has seen it. Usage is metered a moment after it
 * happens, so that more than the quota may have been used by then.
 */
export const spentQuotaSchema = z.strictObject({
  name: z.string().regex(/^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}$/),
  meter: z.string().regex(/^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}$/),
  /** When the period ends that it is of. From then on this says nothing. */
  until: z.iso.datetime(),
  /** True: nothing more is served until then. False: it is said to callers, and goes on. */
  hard: z.boolean(),
})
export type SpentQuota = z.output<typeof spentQuotaSchema>

/** A plan's and a tenant's together. */
export const spentQuotasSchema = z.array(spentQuotaSchema).max(60)
