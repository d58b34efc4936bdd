import { z } from 'zod'
import {
  GRANT_RESTRAINTS_MAX,
  type GrantRestraint,
  grantRestraintSchema,
} from '../../contracts/grant-restraint.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Tx } from '../../database/pooled-database.ts'

const rowSchema = z.object({
  grant_id: z.string(),
  kind: z.string(),
  requests: z.int().nullable(),
  since: z.date(),
  until: z.date(),
})

/** What detectors have put on a tenant's grants and is not over, as its configuration says it. */
export async function grantRestraintsOf(
  tx: Pick<Tx, 'query'>,
  tenant: TenantId,
): Promise<readonly GrantRestraint[]> {
  const rows = await tx.query(
    `select grant_id, kind, requests, since, until from registry.grant_restraint
      where tenant = $1 and until > clock_timestamp()
      order by grant_id collate "C", kind collate "C" limit $2`,
    [tenant, GRANT_RESTRAINTS_MAX],
  )
  return rows.flatMap((row) => {
    const { grant_id: grant, kind, requests, since, until } = rowSchema.parse(row)
    const said = kind === 'limit' ? { requests } : { since: since.toISOString() }
    // What another plane wrote in a form that readers do not know would keep them from all else.
    const read = grantRestraintSchema.safeParse({
      ...{ grant, kind, until: until.toISOString() },
      ...said,
    })
    return read.success ? [read.data] : []
  })
}
