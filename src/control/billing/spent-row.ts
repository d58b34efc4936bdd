import { z } from 'zod'
import { type SpentQuota, spentQuotaSchema } from '../../contracts/spent-quota.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Tx } from '../../database/pooled-database.ts'

const rowSchema = z.object({
  name: z.string(),
  meter: z.string(),
  until: z.date(),
  hard: z.boolean(),
})

/** What a tenant has used up, as its configuration says it. */
export async function spentQuotasOf(
  tx: Pick<Tx, 'query'>,
  tenant: TenantId,
): Promise<readonly SpentQuota[]> {
  const rows = await tx.query(
    `select name, meter, until, hard from registry.spent_quota where tenant = $1
      order by name collate "C"`,
    [tenant],
  )
  return rows.flatMap((row) => {
    const { until, ...rest } = rowSchema.parse(row)
    // What another plane wrote in a form that readers do not know would keep them from all else.
    const read = spentQuotaSchema.safeParse({ ...rest, until: until.toISOString() })
    return read.success ? [read.data] : []
  })
}
