import { z } from 'zod'
import { parsePlanName } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { TIERS } from '../core/tenant.ts'
import type { PlanView } from './control-plane.ts'
import type { Tx } from '../database/pooled-database.ts'

const rowSchema = z.object({
  name: parsed(parsePlanName),
  tiers: z.array(z.enum(TIERS)),
  requests_per_minute: z.number(),
  leases_per_minute: z.number(),
  lease_seconds_max: z.number(),
  approval: z.boolean(),
})

export async function plansOf(tx: Pick<Tx, 'query'>): Promise<readonly PlanView[]> {
  const rows = await tx.query('select * from registry.plan order by name')
  return rows.map((row) => {
    const plan = rowSchema.parse(row)
    return {
      name: plan.name,
      tiers: plan.tiers,
      requestsPerMinute: plan.requests_per_minute,
      leasesPerMinute: plan.leases_per_minute,
      leaseSecondsMax: plan.lease_seconds_max,
      approval: plan.approval,
    }
  })
}
