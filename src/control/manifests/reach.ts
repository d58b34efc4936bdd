import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import { TENANT_KINDS, type TenantKind } from '../../manifests/kinds.ts'
import type { Reference } from '../../manifests/manifest.ts'
import { requireScope } from '../act.ts'
import type { Actor } from '../control-plane.ts'

/** What administrators of tenants may declare where their plan says nothing of it. */
export const SELF_SERVICE_DEFAULT: readonly TenantKind[] = ['Guardrail', 'PolicyStore']

/**
 * Refuses to read what an actor may not see, as if it were not there.
 * @throws RingfenceError `not_found`, `forbidden` without the scope
 */
export function checkRead({ kind, tenant }: Reference, by: Actor): void {
  requireScope(by, 'configuration:read')
  if (by.tenant === undefined || tenant === by.tenant) return
  // The platform's guardrails hold for the tenant: it may know them.
  if (tenant === undefined && kind === 'Guardrail') return
  throw notThere()
}

/**
 * Refuses to change what is not the actor's own to change.
 * @param selfService what the plan of the actor's tenant lets its administrators declare
 * @throws RingfenceError `not_found` for what it may not even see, else `forbidden`
 */
export function checkWrite(
  reference: Reference,
  by: Actor,
  selfService: readonly TenantKind[],
): void {
  requireScope(by, 'configuration:write')
  const { kind, tenant } = reference
  if (by.tenant === undefined) {
    if (kind === 'Tenant') requireScope(by, 'tenants:write')
    if (kind === 'Plan' || kind === 'Meter') requireScope(by, 'catalogue:write')
    return
  }
  if (tenant !== undefined && tenant !== by.tenant) throw notThere()
  if (tenant === undefined) {
    throw new RingfenceError('forbidden', 'what is the platform’s is changed by its operators')
  }
  if (!selfService.some((one) => one === kind)) {
    const kinds = TENANT_KINDS.filter((one) => selfService.includes(one)).join(', ')
    throw new RingfenceError(
      'forbidden',
      `the tenant's plan lets its administrators declare ${kinds || 'nothing'}`,
    )
  }
}

/** The owners whose things an actor sees in a list; undefined: all. */
export function ownersSeen(by: Actor): TenantId | undefined {
  requireScope(by, 'configuration:read')
  return by.tenant
}

export function notThere(): RingfenceError {
  return new RingfenceError('not_found', 'there is no such object')
}
