import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { parsePlanName } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { parseCellName, parseRegion, parseTenantId, TIERS, type TenantId } from '../core/tenant.ts'
import { SERVING_STATUSES, type TenantConfig } from '../snapshot/snapshot.ts'
import { publicJwkSchema } from '../tokens/public-jwk.ts'
import { TENANT_STATUSES, type TenantView } from './control-plane.ts'
import type { TenantParts } from './manifests/declared-parts.ts'
import type { Tx } from '../database/pooled-database.ts'

/** A tenant as it is registered. The database's types are checked once, here. */
const rowSchema = z.object({
  id: parsed(parseTenantId),
  display_name: z.string(),
  tier: z.enum(TIERS),
  region: parsed(parseRegion),
  plan: parsed(parsePlanName),
  status: z.enum(TENANT_STATUSES),
  cell: parsed(parseCellName).nullable(),
  issuer: z.string().nullable(),
  keys: z.array(publicJwkSchema),
  hosts: z.array(z.string()),
  /** What the gateway and vending are told: null while the tenant is not in the snapshot at all. */
  serving: z.enum(SERVING_STATUSES).nullable(),
  legal_hold: z.boolean(),
  created_at: z.date(),
  changed_at: z.date(),
  revision: z.number(),
})
export type TenantRow = z.output<typeof rowSchema>

export const TENANT_COLUMNS = Object.keys(rowSchema.shape)
  .map((column) => `tenant.${column}`)
  .join(', ')

export function tenantRowOf(row: unknown): TenantRow {
  return rowSchema.parse(row)
}

/** The tenant, locked against every other change until the transaction ends. @throws `not_found` */
export async function lockTenant(tx: Tx, tenant: TenantId): Promise<TenantRow> {
  const [row] = await tx.query(
    `select ${TENANT_COLUMNS} from registry.tenant where id = $1 for update`,
    [tenant],
  )
  if (row === undefined) throw noSuchTenant()
  return tenantRowOf(row)
}

export function noSuchTenant(): RingfenceError {
  return new RingfenceError('not_found', 'no such tenant')
}

/**
 * What the snapshot says of the tenant, or undefined while it says nothing.
 * @param parts what the tenant declared
 */
export function configOf(row: TenantRow, parts: TenantParts): TenantConfig | undefined {
  if (row.serving === null || row.cell === null || row.issuer === null) return undefined
  return {
    id: row.id,
    status: row.serving,
    tier: row.tier,
    region: row.region,
    cell: row.cell,
    plan: row.plan,
    issuer: row.issuer,
    keys: row.keys,
    hosts: row.hosts,
    ...parts,
  }
}

export function tenantView(row: TenantRow, failure: TenantView['failure']): TenantView {
  return {
    id: row.id,
    displayName: row.display_name,
    tier: row.tier,
    region: row.region,
    plan: row.plan,
    status: row.status,
    cell: row.cell ?? undefined,
    issuer: row.issuer ?? undefined,
    hosts: row.hosts,
    legalHold: row.legal_hold,
    failure,
    createdAt: row.created_at,
    changedAt: row.changed_at,
    revision: row.revision,
  }
}
