import { z } from 'zod'

/** A network that no gateway serves for a while: an IPv4 address, or an IPv6 /64. */
export const blockedNetworkSchema = z.strictObject({
  network: z.union([z.ipv4(), z.cidrv6()]),
  /** From then on this says nothing. */
  until: z.iso.datetime(),
})
export type BlockedNetwork = z.output<typeof blockedNetworkSchema>

export const blockedNetworksSchema = z.array(blockedNetworkSchema).max(500)
