import { z } from 'zod'
import { type BlockedNetwork, blockedNetworkSchema } from '../../contracts/blocked-network.ts'
import type { Tx } from '../../database/pooled-database.ts'

const MOST = 500
const rowSchema = z.object({ network: z.string(), until: z.date() })

/** What detectors have blocked and is not over, as the platform's configuration says it. */
export async function blockedNetworks(tx: Pick<Tx, 'query'>): Promise<readonly BlockedNetwork[]> {
  const rows = await tx.query(
    `select network, until from registry.address_block where until > clock_timestamp()
      order by network collate "C" limit $1`,
    [MOST],
  )
  return rows.flatMap((row) => {
    const { network, until } = rowSchema.parse(row)
    // What another plane wrote in a form that readers do not know would keep them from all else.
    const read = blockedNetworkSchema.safeParse({ network, until: until.toISOString() })
    return read.success ? [read.data] : []
  })
}
