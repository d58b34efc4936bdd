import { isDeepStrictEqual } from 'node:util'
import type { TenantId } from '../../core/tenant.ts'
import { publishChange } from '../../snapshot/publish.ts'
import type { TenantConfig } from '../../snapshot/snapshot.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { PlatformPublisher } from '../platform-publisher.ts'
import { configOf, TENANT_COLUMNS, tenantRowOf } from '../tenant-row.ts'
import { tenantParts } from './declared-parts.ts'

/**
 * Publishes the platform and tenants as they are now, in one record: no gateway sees an API without
 * its upstream. Last in the transaction. Returns the version in force.
 */
export async function publishDeclared(
  tx: Tx,
  what: { readonly platform: boolean; readonly tenants: readonly TenantId[] },
  publisher: PlatformPublisher,
  key: SigningKey,
): Promise<number> {
  const platform = what.platform ? await publisher.changed(tx) : undefined
  const tenants = await changedTenants(tx, what.tenants)
  if (platform !== undefined || tenants.length > 0) {
    return publishChange(tx.client, key, {
      ...(platform === undefined ? {} : { platform }),
      tenants,
      removed: [],
    })
  }
  const [head] = await tx.query<{ version: string }>('select version from snapshot.head')
  return Number(head?.version ?? 0)
}

/** Those who are in the snapshot, and of whom it says something else. */
async function changedTenants(
  tx: Tx,
  tenants: readonly TenantId[],
): Promise<readonly TenantConfig[]> {
  if (tenants.length === 0) return []
  const rows = await tx.query(
    `select ${TENANT_COLUMNS}, published.config from registry.tenant
       left join snapshot.tenant as published on published.id = tenant.id
      where tenant.id = any ($1) and serving is not null order by tenant.id`,
    [tenants],
  )
  const changed: TenantConfig[] = []
  for (const row of rows) {
    const registered = tenantRowOf(row)
    const config = configOf(registered, await tenantParts(tx, registered.id))
    const plain: unknown = JSON.parse(JSON.stringify(config))
    if (config !== undefined && !isDeepStrictEqual(plain, Reflect.get(row, 'config'))) {
      changed.push(config)
    }
  }
  return changed
}
