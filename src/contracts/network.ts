import { z } from 'zod'

/** An address or a range, IPv4 or IPv6: `192.0.2.0/24`. */
const rangeSchema = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()])

/** From where a tenant's APIs may be called. `deny` wins; an empty `allow` is nowhere. */
export const networkSchema = z.strictObject({
  allow: z.array(rangeSchema).max(1_000).optional(),
  deny: z.array(rangeSchema).max(1_000).optional(),
})
