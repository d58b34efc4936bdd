import { RingfenceError } from './errors.ts'
import { parseTenantId, type TenantId } from './tenant.ts'

/**
 * The realm of the people who operate the platform. It is kept like a tenant's realm, and no tenant
 * has its name: whoever signs in there is nobody at any tenant's door.
 */
export const OPERATORS_REALM: TenantId = parseTenantId('ringfence-operators')

/** @throws RingfenceError `invalid_tenant_id` for a name that no tenant may have */
export function refuseReserved(tenant: TenantId): void {
  if (tenant !== OPERATORS_REALM) return
  throw new RingfenceError('invalid_tenant_id', 'this name is the platform’s own')
}
