import { RingfenceError } from '../../core/errors.ts'
import type { ManifestOf } from '../../manifests/manifest.ts'
import { checkNames } from '../tenant-directory.ts'
import type { Actor } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'
import { plansOf } from '../plan-row.ts'
import type { TenantRow } from '../tenant-row.ts'
import type { WorkflowRow } from '../workflows/workflow-row.ts'
import type { ApplyParts } from './apply-parts.ts'

type TenantManifest = ManifestOf<'Tenant'>

/** The manifest with what it leaves to the registry filled in. */
export function completeTenant(
  manifest: TenantManifest,
  row: TenantRow | undefined,
): TenantManifest {
  const { hosts, displayName, ...spec } = manifest.spec
  const name = displayName ?? row?.display_name ?? manifest.metadata.name
  return {
    ...manifest,
    spec: {
      displayName: name,
      ...spec,
      ...(hosts === undefined || hosts.length === 0 ? {} : { hosts }),
    },
  }
}

/** Enters the tenant with its onboarding, or changes what of it is changed without a workflow. */
export async function writeTenant(
  tx: Tx,
  { metadata, spec }: TenantManifest,
  row: TenantRow | undefined,
  parts: ApplyParts,
  by: Actor,
): Promise<WorkflowRow | undefined> {
  const { tier, region, plan, hosts = [], displayName = metadata.name } = spec
  if (spec.realm !== undefined) {
    throw new RingfenceError('invalid_argument', 'spec.realm: the identity plane gives the realm')
  }
  if (row === undefined) {
    const request = { id: metadata.name, displayName, tier, region, plan, hosts }
    return parts.enter(tx, request, by)
  }
  if (row.region !== region) {
    throw new RingfenceError('conflict', 'spec.region: a tenant’s data stays in its region')
  }
  if (row.tier !== tier) {
    throw new RingfenceError('conflict', 'spec.tier: a tier changes by a move ("tenants move")')
  }
  checkNames({ displayName, hosts })
  const known = (await plansOf(tx)).find(({ name }) => name === plan)
  if (known?.tiers.includes(tier) !== true) {
    throw new RingfenceError('invalid_argument', `spec.plan: no such plan for the tier ${tier}`)
  }
  const changed =
    row.display_name !== displayName || row.plan !== plan || !sameSet(row.hosts, hosts)
  if (!changed) return undefined
  const cause = { by: by.name, why: 'applied', requestId: by.requestId }
  const patch = { display_name: displayName, plan, hosts: [...hosts] }
  await parts.changes.write(tx, row, patch, cause)
  return undefined
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((host, index) => host === other[index])
}
