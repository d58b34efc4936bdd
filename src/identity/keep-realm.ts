import type { TenantId } from '../core/tenant.ts'
import type { Rows } from './identity-database.ts'

/**
 * Locks the realm's row as every row does that comes to refer to it: nobody removes the realm until the
 * caller's transaction ends. Where a transaction locks rows of a realm and then enters others, this
 * comes first, as the realm's own row does for who removes it: else the two could wait for each other.
 */
export async function keepRealm(rows: Rows, tenant: TenantId): Promise<void> {
  await rows.query('select from identity.realm where tenant = $1 for key share', [tenant])
}
