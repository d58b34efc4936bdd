import type pg from 'pg'
import type { DataSpec } from './data-spec.ts'
import { generateTenantData } from './generate-tenant-data.ts'

/** What a load did: the rows it made in each table, none if the tenant had its data already. */
export interface LoadResult {
  readonly loaded: boolean
  readonly rows: Readonly<Record<string, number>>
}

/**
 * Gives a tenant its data in one transaction, so that a killed load leaves nothing and the next one
 * starts over; a tenant that has its data is left alone. Two loads of one tenant at once wait for
 * each other. Needs a superuser outside a transaction: row security would hide the tenant, and
 * foreign keys, which the generator keeps by construction, are not checked row by row.
 * @throws z.ZodError for a specification out of range; the driver's error, after a rollback.
 */
export async function loadTenantData(
  client: pg.ClientBase,
  tenantKey: string,
  spec: DataSpec,
): Promise<LoadResult> {
  const statements = generateTenantData({ ...spec, key: tenantKey })
  await client.query('begin')
  try {
    await client.query("set local session_replication_role = 'replica'")
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [tenantKey])
    const rows: Record<string, number> = {}
    const present = await hasData(client, tenantKey, spec.seed)
    if (!present) {
      for (const { table, text, values } of statements) {
        rows[table] = (await client.query(text, [...values])).rowCount ?? 0
      }
    }
    await client.query('commit')
    return { loaded: !present, rows }
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

async function hasData(client: pg.ClientBase, tenantKey: string, seed: number): Promise<boolean> {
  const { rows } = await client.query<{ present: boolean }>(
    `select exists (select 1 from clinic.clinic_site
      where tenant_id = $1 and id = md5($2::text || ':site:0')::uuid) as present`,
    [tenantKey, String(seed)],
  )
  return rows[0]?.present === true
}
