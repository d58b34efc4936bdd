import type { TenantId } from '../../core/tenant.ts'
import type { Rows } from '../identity-database.ts'

/** The hosts that are one tenant's own, as they are in force. */
export type TenantHosts = (tenant: TenantId) => Promise<readonly string[]>

/** Of the published configuration. */
export function publishedHosts(rows: Rows): TenantHosts {
  return async (tenant) => {
    const found = await rows.query<{ host: string }>('select snapshot.hosts_of($1) as host', [
      tenant,
    ])
    return found.map(({ host }) => host)
  }
}
