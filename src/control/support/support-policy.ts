import { z } from 'zod'
import {
  SUPPORT_POLICIES,
  SUPPORT_POLICY_DEFAULT,
  type SupportPolicy,
} from '../../core/support-terms.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Actor } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'

const rowSchema = z.object({ policy: z.enum(SUPPORT_POLICIES) })

/** Who has to agree before an operator gets at this tenant's data. */
export async function supportPolicy(
  tx: Pick<Tx, 'query'>,
  tenant: TenantId,
): Promise<SupportPolicy> {
  const [row] = await tx.query('select policy from registry.support_policy where tenant = $1', [
    tenant,
  ])
  return row === undefined ? SUPPORT_POLICY_DEFAULT : rowSchema.parse(row).policy
}

export async function writeSupportPolicy(
  tx: Tx,
  tenant: TenantId,
  policy: SupportPolicy,
  by: Actor,
): Promise<void> {
  await tx.query(
    `insert into registry.support_policy (tenant, policy, by) values ($1, $2, $3)
     on conflict (tenant) do update
       set policy = excluded.policy, by = excluded.by, changed_at = clock_timestamp()`,
    [tenant, policy, by.name],
  )
}
