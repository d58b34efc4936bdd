import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { parseSetName } from '../../core/names.ts'
import { parsed } from '../../core/parsed.ts'
import type { TenantId } from '../../core/tenant.ts'
import { contentHash } from '../../manifests/content-hash.ts'
import type { Kept } from '../../manifests/declared.ts'
import { MANIFEST_KINDS, MANIFEST_VERSION } from '../../manifests/kinds.ts'
import {
  type Manifest,
  manifestSchema,
  type ManifestOf,
  type Reference,
} from '../../manifests/manifest.ts'
import type { PlanView } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { TenantRow } from '../tenant-row.ts'

/** The database's types are checked once, here. */
export const objectRowSchema = z.object({
  owner: z.string(),
  kind: z.enum(MANIFEST_KINDS),
  name: z.string(),
  spec: z.unknown(),
  compiled: z.string().nullable(),
  generation: z.number(),
  hash: z.string(),
  set_name: parsed(parseSetName).nullable(),
  created_at: z.date(),
  changed_at: z.date(),
  by: z.string(),
  why: z.string(),
})
export type ObjectRow = z.output<typeof objectRowSchema>
export const OBJECT_COLUMNS = Object.keys(objectRowSchema.shape)
  .map((column) => `object.${column}`)
  .join(', ')

/** How the database names an owner: the platform has no name that a tenant could have. */
export function ownerKey(tenant: TenantId | undefined): string {
  return tenant ?? ''
}

/** @throws RingfenceError `internal` for what this version cannot read */
export function manifestFrom({
  owner,
  kind,
  name,
  spec,
}: Pick<ObjectRow, 'owner' | 'kind' | 'name' | 'spec'>): Manifest {
  const metadata = owner === '' ? { name } : { name, tenant: owner }
  const read = manifestSchema.safeParse({ apiVersion: MANIFEST_VERSION, kind, metadata, spec })
  if (read.success) return read.data
  throw new RingfenceError('internal', 'what was applied cannot be read', {
    detail: `${owner}/${kind}/${name}: ${read.error.issues[0]?.message}`,
  })
}

export function keptFrom(row: ObjectRow): Kept {
  return {
    manifest: manifestFrom(row),
    generation: row.generation,
    compiled: row.compiled ?? undefined,
  }
}

/** Everything that one owner declared, but tenants: they are registered, and there may be many. */
export async function objectsOf(
  tx: Pick<Tx, 'query'>,
  tenant: TenantId | undefined,
): Promise<readonly ObjectRow[]> {
  const rows = await tx.query(
    `select ${OBJECT_COLUMNS} from registry.object
      where owner = $1 and kind <> 'Tenant' order by kind, name collate "C"`,
    [ownerKey(tenant)],
  )
  return rows.map((row) => objectRowSchema.parse(row))
}

export async function findObject(
  tx: Pick<Tx, 'query'>,
  { kind, name, tenant }: Reference,
): Promise<ObjectRow | undefined> {
  const [row] = await tx.query(
    `select ${OBJECT_COLUMNS} from registry.object where owner = $1 and kind = $2 and name = $3`,
    [ownerKey(tenant), kind, name],
  )
  return row === undefined ? undefined : objectRowSchema.parse(row)
}

/** A tenant as a manifest: what is registered, and what only its manifest says. */
export function tenantManifest(
  row: Pick<TenantRow, 'id' | 'display_name' | 'tier' | 'region' | 'plan' | 'hosts'>,
  applied: Manifest | undefined,
): ManifestOf<'Tenant'> {
  const more = applied?.kind === 'Tenant' ? applied.spec : undefined
  return {
    apiVersion: MANIFEST_VERSION,
    kind: 'Tenant',
    metadata: { name: row.id },
    spec: {
      displayName: row.display_name,
      tier: row.tier,
      region: row.region,
      plan: row.plan,
      ...(row.hosts.length === 0 ? {} : { hosts: row.hosts }),
      ...(more?.network === undefined ? {} : { network: more.network }),
      ...(more?.limits === undefined ? {} : { limits: more.limits }),
    },
  }
}

/** A plan as a manifest, likewise. */
export function planManifest(plan: PlanView, applied: Manifest | undefined): ManifestOf<'Plan'> {
  const more = applied?.kind === 'Plan' ? applied.spec : undefined
  const { name, tiers, ...rest } = plan
  return {
    apiVersion: MANIFEST_VERSION,
    kind: 'Plan',
    metadata: { name },
    spec: { ...more, tiers: [...tiers], ...rest },
  }
}

export function hashOfSpec({ spec }: Manifest): string {
  return contentHash(spec)
}
