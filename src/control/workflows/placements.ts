import type { Placement } from '../../boundaries/boundary.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Tx } from '../../database/pooled-database.ts'

/** Enters where a tenant's data lives, one placement for each of its cell's engines. */
export async function keepPlacements(
  tx: Tx,
  tenant: TenantId,
  engines: readonly { readonly engine: string }[],
  placements: readonly Placement[],
): Promise<void> {
  await tx.query('delete from registry.placement where tenant = $1', [tenant])
  for (const [index, { cell, tier, key, place }] of placements.entries()) {
    await tx.query(
      `insert into registry.placement (tenant, engine, cell, tier, key, place)
       values ($1, $2, $3, $4, $5, $6)`,
      [tenant, engines[index]?.engine, cell, tier, key, place],
    )
  }
}
