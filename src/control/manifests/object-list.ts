import { z } from 'zod'
import type { TenantId } from '../../core/tenant.ts'
import type { ManifestKind } from '../../manifests/kinds.ts'
import type { Manifest } from '../../manifests/manifest.ts'
import type { Tx } from '../../database/pooled-database.ts'
import { plansOf } from '../plan-row.ts'
import { TENANT_COLUMNS, tenantRowOf } from '../tenant-row.ts'
import type { ObjectView } from './manifests.ts'
import {
  hashOfSpec,
  manifestFrom,
  objectRowSchema,
  planManifest,
  tenantManifest,
} from './object-row.ts'

export interface ObjectFilter {
  readonly kind?: ManifestKind | undefined
  /** '' is the platform. */
  readonly owner?: string | undefined
  readonly name?: string | undefined
  readonly set?: string | undefined
  /** Only what this tenant's administrators see. */
  readonly seenBy?: TenantId | undefined
}

/** Where a page ended: owner, kind and name of its last object. */
export type ObjectPosition = readonly [owner: string, kind: string, name: string]

const rowSchema = objectRowSchema.extend({
  spec: z.unknown(),
  by: z.string().nullable(),
  why: z.string().nullable(),
  generation: z.number(),
  applied: z.boolean(),
})

/**
 * What is declared, and what is registered though nobody applied a manifest of it, by owner, kind and
 * name.
 */
const ALL = `select owner, kind, name, spec, compiled, generation, hash, set_name,
       created_at, changed_at, by, why, true as applied
    from registry.object where kind not in ('Tenant', 'Plan')
  union all
  select '', 'Tenant', tenant.id, object.spec, null, coalesce(object.generation, 0),
         coalesce(object.hash, ''), object.set_name, tenant.created_at,
         greatest(tenant.changed_at, object.changed_at), object.by, object.why,
         object.name is not null
    from registry.tenant left join registry.object
      on object.owner = '' and object.kind = 'Tenant' and object.name = tenant.id
   where tenant.status <> 'erased'
  union all
  select '', 'Plan', plan.name, object.spec, null, coalesce(object.generation, 0),
         coalesce(object.hash, ''), object.set_name, coalesce(object.created_at, 'epoch'),
         coalesce(object.changed_at, 'epoch'), object.by, object.why, object.name is not null
    from registry.plan left join registry.object
      on object.owner = '' and object.kind = 'Plan' and object.name = plan.name`

export async function listObjects(
  tx: Pick<Tx, 'query'>,
  filter: ObjectFilter,
  after: ObjectPosition | undefined,
  limit: number,
): Promise<readonly ObjectView[]> {
  const [owner = null, kind = null, name = null] = after ?? []
  const rows = await tx.query(
    `select * from (${ALL}) as known
      where ($1::text is null or kind = $1) and ($2::text is null or owner = $2)
        and ($3::text is null or name = $3) and ($4::text is null or set_name = $4)
        and ($5::text is null or owner = $5 or (owner = '' and kind = 'Guardrail'))
        and ($6::text is null or
             (owner collate "C", kind collate "C", name collate "C") > ($6, $7, $8))
      order by owner collate "C", kind collate "C", name collate "C" limit $9`,
    [
      ...[filter.kind ?? null, filter.owner ?? null, filter.name ?? null, filter.set ?? null],
      ...[filter.seenBy ?? null, owner, kind, name, limit],
    ],
  )
  return viewsOf(
    tx,
    rows.map((row) => rowSchema.parse(row)),
  )
}

export function positionOf({ manifest }: ObjectView): ObjectPosition {
  return [manifest.metadata.tenant ?? '', manifest.kind, manifest.metadata.name]
}

async function viewsOf(
  tx: Pick<Tx, 'query'>,
  rows: readonly z.output<typeof rowSchema>[],
): Promise<readonly ObjectView[]> {
  const tenants = new Map(
    (
      await tx.query(`select ${TENANT_COLUMNS} from registry.tenant where id = any ($1)`, [
        rows.filter(({ kind }) => kind === 'Tenant').map(({ name }) => name),
      ])
    ).map((row) => {
      const tenant = tenantRowOf(row)
      return [String(tenant.id), tenant] as const
    }),
  )
  const plans = rows.some(({ kind }) => kind === 'Plan') ? await plansOf(tx) : []
  return rows.flatMap((row) => {
    const applied = row.applied ? manifestFrom(row) : undefined
    const tenant = tenants.get(row.name)
    const plan = plans.find(({ name }) => name === row.name)
    const manifest = presentOf(row.kind, applied, tenant, plan)
    if (manifest === undefined) return []
    return [
      {
        manifest,
        generation: row.generation,
        hash: hashOfSpec(manifest),
        set: row.set_name ?? undefined,
        createdAt: row.created_at,
        changedAt: row.changed_at,
        by: row.by ?? undefined,
        why: row.why ?? undefined,
      },
    ]
  })
}

function presentOf(
  kind: ManifestKind,
  applied: Manifest | undefined,
  tenant: Parameters<typeof tenantManifest>[0] | undefined,
  plan: Parameters<typeof planManifest>[0] | undefined,
): Manifest | undefined {
  if (kind === 'Tenant') return tenant && tenantManifest(tenant, applied)
  if (kind === 'Plan') return plan && planManifest(plan, applied)
  return applied
}
