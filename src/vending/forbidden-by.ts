import type { Configuration } from '../snapshot/snapshot.ts'
import type { CellName, TenantId, Tier } from '../core/tenant.ts'
import type { Scope } from '../core/lease.ts'

/** What of a lease, or of the wish for one, the configuration has a word on. */
interface Subject {
  readonly tenant: TenantId
  readonly holder: string
  readonly scope: Scope
  readonly cell: CellName
  /** The tier for which it was asked; absent where it is not known. */
  readonly tier?: Tier
}

export type Forbidden =
  | 'tenant-removed'
  | 'tenant-suspended'
  | 'tenant-paused'
  | 'tenant-moved'
  | 'workload-removed'
  | 'workload-narrowed'

/** Why a lease may not live, or be handed out again, under a configuration; undefined when it may. */
export function forbiddenBy(configuration: Configuration, lease: Subject): Forbidden | undefined {
  const tenant = configuration.tenant(lease.tenant)
  if (tenant === undefined) return 'tenant-removed'
  if (tenant.status === 'suspended') return 'tenant-suspended'
  if (tenant.status === 'paused' && lease.scope !== 'read') return 'tenant-paused'
  const moved = tenant.cell !== lease.cell || (lease.tier ?? tenant.tier) !== tenant.tier
  if (moved) return 'tenant-moved'
  const workload = configuration.platform.workloads.find(({ client }) => client === lease.holder)
  if (workload === undefined) return 'workload-removed'
  return workload.scopes.includes(lease.scope) ? undefined : 'workload-narrowed'
}
