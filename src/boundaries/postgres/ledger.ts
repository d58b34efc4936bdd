import type pg from 'pg'
import { RingfenceError } from '../../core/errors.ts'
import type { Tenant, TenantId } from '../../core/tenant.ts'
import { ident, inTransaction } from './connection.ts'
import { bridgeDatabase, type Names, tenantKey, type TenantKey } from './names.ts'

/** What the ledger says of where a tenant is, or will be. */
export interface Reservation {
  readonly key: TenantKey
  readonly tier: Tenant['tier']
  readonly database: string
  readonly status: 'provisioning' | 'active' | 'erasing'
}

interface TenantRow {
  readonly key: string
  readonly tier: Tenant['tier']
  readonly region: string
  readonly database: string
  readonly status: Reservation['status']
}

/**
 * Waits until nobody else provisions or erases the tenant, and keeps others out until the connection
 * is closed. Every `client` of this file is the administrator's, on the custody database.
 */
export async function lockTenant(client: pg.ClientBase, tenant: TenantId): Promise<void> {
  await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [tenant])
}

/**
 * Enters the tenant, or finds it.
 * @throws RingfenceError `invalid_argument` when it is placed elsewhere
 */
export async function reserveTenant(
  client: pg.ClientBase,
  names: Names,
  tenant: Tenant,
  wanted: TenantKey,
): Promise<Reservation> {
  const database = tenant.tier === 'bridge' ? bridgeDatabase(names, wanted) : names.pooledDatabase
  const { rows } = await client.query<TenantRow>(
    'select t.* from custody.reserve_tenant($1, $2, $3, $4, $5) t',
    [tenant.id, wanted, tenant.tier, tenant.region, database],
  )
  const row = rows[0]
  if (row === undefined) throw new RingfenceError('internal', 'the tenant was not entered')
  if (row.tier !== tenant.tier || row.region !== tenant.region) {
    throw new RingfenceError(
      'invalid_argument',
      `${tenant.id} is already placed as ${row.tier} in ${row.region}; move it instead`,
    )
  }
  return { key: tenantKey(row.key), tier: row.tier, database: row.database, status: row.status }
}

/**
 * Opens the tenant to leases, unless it is being erased. `away`: its leases are given by the ledger of
 * its own server, and this one gives none.
 */
export async function activateTenant(
  client: pg.ClientBase,
  tenant: TenantId,
  away: boolean,
): Promise<void> {
  await client.query(
    `update custody.tenant set status = 'active', away = $2
     where tenant_id = $1 and status <> 'erasing'`,
    [tenant, away],
  )
}

/** From here on the tenant gets no lease. Undefined when the ledger does not know it. */
export async function beginErasing(
  client: pg.ClientBase,
  tenant: TenantId,
): Promise<Reservation | undefined> {
  const { rows } = await client.query<TenantRow>(
    `update custody.tenant set status = 'erasing' where tenant_id = $1 returning *`,
    [tenant],
  )
  const row = rows[0]
  if (row === undefined) return undefined
  return { key: tenantKey(row.key), tier: row.tier, database: row.database, status: 'erasing' }
}

/** The tenant's login roles. */
export async function loginsOf(
  client: pg.ClientBase,
  names: Names,
  key: TenantKey,
): Promise<readonly string[]> {
  const { rows } = await client.query<{ rolname: string }>(
    `select rolname from pg_catalog.pg_roles where rolname ~ $1 order by 1`,
    [`^${names.prefix}_${key.replaceAll('-', '')}_[rwx][0-9]$`],
  )
  return rows.map((row) => row.rolname)
}

/**
 * Drops the logins of all of the tenant's places, retires their keys and takes the tenant out.
 * Returns the number of logins.
 */
export async function forgetTenant(
  client: pg.ClientBase,
  names: Names,
  tenant: TenantId,
  keys: readonly TenantKey[],
): Promise<number> {
  return inTransaction(client, async () => {
    let dropped = 0
    for (const key of keys) dropped += await retireKey(client, names, key)
    await client.query('delete from custody.move where tenant_id = $1', [tenant])
    await client.query('delete from custody.tenant where tenant_id = $1', [tenant])
    return dropped
  })
}

/** Drops the logins of a place and makes sure that its key is never used again. */
export async function retireKey(
  client: pg.ClientBase,
  names: Names,
  key: TenantKey,
): Promise<number> {
  const logins = await loginsOf(client, names, key)
  for (const login of logins) await client.query(`drop role ${ident(login)}`)
  await client.query('insert into custody.retired_key (key) values ($1) on conflict do nothing', [
    key,
  ])
  return logins.length
}
