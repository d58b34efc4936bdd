import { z } from 'zod'
import type { TenantId } from '../../core/tenant.ts'
import { type Declared, declaredBy } from '../../manifests/declared.ts'
import type { SpecOf } from '../../manifests/manifest.ts'
import type { PlatformConfig, TenantConfig } from '../../snapshot/snapshot.ts'
import type { Tx } from '../../database/pooled-database.ts'
import { grantRestraintsOf } from '../behaviour/grant-restraints.ts'
import { spentQuotasOf } from '../billing/spent-row.ts'
import { activeGrants } from '../grants/grant-row.ts'
import { findObject, keptFrom, manifestFrom, objectsOf, ownerKey } from './object-row.ts'

/** What a tenant's configuration says besides what is registered of it. */
export type TenantParts = Pick<
  TenantConfig,
  | 'contract'
  | 'upstreams'
  | 'guardrails'
  | 'limits'
  | 'policy'
  | 'network'
  | 'grants'
  | 'restraints'
  | 'spent'
>
type PlatformParts = Pick<
  PlatformConfig,
  'upstreams' | 'contracts' | 'guardrails' | 'policies' | 'meters'
>
type PlanExtras = Pick<
  PlatformConfig['plans'][number],
  'limits' | 'contract' | 'priority' | 'weight'
>

export async function tenantParts(tx: Pick<Tx, 'query'>, tenant: TenantId): Promise<TenantParts> {
  const applied = await findObject(tx, { kind: 'Tenant', name: tenant, tenant: undefined })
  const itself = applied && manifestFrom(applied)
  const said = itself?.kind === 'Tenant' ? itself.spec : undefined
  const { contracts, upstreams, guardrails, policy } = declaredBy(
    (await objectsOf(tx, tenant)).map(keptFrom),
  )
  const [contract] = contracts
  return {
    ...(contract === undefined ? {} : { contract }),
    ...some('upstreams', upstreams),
    ...some('guardrails', guardrails),
    ...some('limits', said?.limits ?? []),
    ...(policy === undefined ? {} : { policy }),
    ...(said?.network === undefined ? {} : { network: said.network }),
    ...some('grants', await activeGrants(tx, tenant)),
    ...some('restraints', await grantRestraintsOf(tx, tenant)),
    ...some('spent', await spentQuotasOf(tx, tenant)),
  }
}

/** What the platform's configuration says besides what its operator's settings do. */
export async function platformParts(tx: Pick<Tx, 'query'>): Promise<{
  readonly declared: Declared
  readonly plans: ReadonlyMap<string, SpecOf<'Plan'>>
}> {
  const rows = await objectsOf(tx, undefined)
  const kept = rows.map(keptFrom)
  const plans = new Map<string, SpecOf<'Plan'>>()
  for (const { manifest } of kept) {
    if (manifest.kind === 'Plan') plans.set(manifest.metadata.name, manifest.spec)
  }
  return { declared: declaredBy(kept), plans }
}

/** Settings first, what was applied after them. Nothing that was applied has a name of the settings'. */
export function mergedPlatform(base: PlatformParts, declared: Declared): PlatformParts {
  return {
    ...some('upstreams', [...(base.upstreams ?? []), ...declared.upstreams]),
    ...some('contracts', [...(base.contracts ?? []), ...declared.contracts]),
    ...some('guardrails', [...(base.guardrails ?? []), ...declared.guardrails]),
    ...some('policies', [...(base.policies ?? []), ...declared.policies]),
    ...some('meters', [...(base.meters ?? []), ...declared.meters]),
  }
}

export function planExtras(spec: SpecOf<'Plan'> | undefined): PlanExtras {
  if (spec === undefined) return {}
  const { limits, contract, priority, weight } = spec
  return {
    ...some('limits', limits ?? []),
    ...(contract === undefined ? {} : { contract }),
    ...(priority === undefined ? {} : { priority }),
    ...(weight === undefined ? {} : { weight }),
  }
}

function some<const N extends string, T>(name: N, list: readonly T[]): { [K in N]?: T[] } {
  return list.length === 0 ? {} : ({ [name]: [...list] } as { [K in N]?: T[] })
}

/**
 * Forgets what a tenant declared: it is gone, and the next one of its id begins with nothing. That
 * something was declared stays in the record, with its hash.
 */
export async function forgetDeclared(tx: Tx, tenant: TenantId): Promise<void> {
  const owner = z.string().min(1).parse(ownerKey(tenant))
  await tx.query('delete from registry.object where owner = $1', [owner])
  await tx.query(
    'update registry.object_generation set spec = null where owner = $1 and spec is not null',
    [owner],
  )
  await tx.query(`delete from registry.object where owner = '' and kind = 'Tenant' and name = $1`, [
    tenant,
  ])
  await tx.query(
    `update registry.object_generation set spec = null
      where owner = '' and kind = 'Tenant' and name = $1 and spec is not null`,
    [tenant],
  )
}
