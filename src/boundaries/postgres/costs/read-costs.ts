import type pg from 'pg'
import { parseTenantId, type TenantId } from '../../../core/tenant.ts'
import type { CostReading } from '../../costs.ts'
import { ident, withClient } from '../connection.ts'
import { keyOf, loginPattern, tenantKey, type TenantKey } from '../names.ts'
import type { Site } from '../site.ts'
import { tenantTables } from '../tenant-tables.ts'

interface Placed {
  readonly tenant: TenantId
  readonly key: TenantKey
  readonly tier: string
  readonly database: string
}

/** What the tenants of one server cost it. A silo's own server has its tenant in its own ledger. */
export async function readCosts(site: Site, isSilo: boolean): Promise<readonly CostReading[]> {
  const { names } = site
  return withClient(site.admin(names.custodyDatabase), async (custody) => {
    const placed = (await placesOf(custody)).filter(({ tier }) => (tier === 'silo') === isSilo)
    const kept = new Map<TenantKey, bigint>()
    for (const { key, tier, database } of placed) {
      if (tier !== 'pooled')
        kept.set(key, await databaseBytes(custody, isSilo ? names.pooledDatabase : database))
    }
    if (placed.some(({ tier }) => tier === 'pooled')) {
      for (const [key, bytes] of await pooledBytes(site)) kept.set(key, bytes)
    }
    const worked = await workedMicros(custody, site)
    return placed.flatMap(({ tenant, key }): CostReading[] => {
      const value = kept.get(key) ?? 0n
      const storage = { tenant, kind: 'storage', form: 'level', value, epoch: '' } as const
      if (worked === undefined) return [storage]
      const { epoch, byKey } = worked
      const micros = byKey.get(key) ?? 0n
      return [storage, { tenant, kind: 'query', form: 'counter', value: micros, epoch }]
    })
  })
}

async function placesOf(custody: pg.ClientBase): Promise<readonly Placed[]> {
  const { rows } = await custody.query<Record<'tenant_id' | 'key' | 'tier' | 'database', string>>(
    `select tenant_id, key::text as key, tier, database::text as database
       from custody.tenant where status = 'active' order by tenant_id`,
  )
  return rows.map(({ tenant_id, key, tier, database }) => ({
    tenant: parseTenantId(tenant_id),
    key: tenantKey(key),
    tier,
    database,
  }))
}

async function databaseBytes(client: pg.ClientBase, database: string): Promise<bigint> {
  const { rows } = await client.query<{ bytes: string }>(
    'select pg_database_size(datname)::text as bytes from pg_database where datname = $1',
    [database],
  )
  return BigInt(rows[0]?.bytes ?? 0)
}

/**
 * Of shared tables each tenant has the part that its rows have of all rows' bytes: of the table with its
 * indexes and its free space, which no tenant has by itself.
 */
async function pooledBytes(site: Site): Promise<ReadonlyMap<TenantKey, bigint>> {
  return withClient(site.admin(site.names.pooledDatabase), async (client) => {
    const kept = new Map<TenantKey, bigint>()
    for (const { qualified, tenantColumn } of await tenantTables(client, site.application)) {
      const { rows } = await client.query<{ key: string; bytes: string }>(
        `with mine as (
           select ${ident(tenantColumn)}::text as key, sum(pg_column_size(t.*)) as bytes
             from ${qualified} as t group by 1),
         whole as (
           select coalesce(sum(pg_total_relation_size(relid)), pg_total_relation_size($1::regclass))
             as bytes from pg_partition_tree($1::regclass) where isleaf)
         select key, trunc(mine.bytes * whole.bytes / sum(mine.bytes) over ())::text as bytes
           from mine, whole where key is not null`,
        [qualified],
      )
      for (const { key, bytes } of rows) {
        const mine = tenantKey(key)
        kept.set(mine, (kept.get(mine) ?? 0n) + BigInt(bytes))
      }
    }
    return kept
  })
}

interface Worked {
  readonly byKey: ReadonlyMap<TenantKey, bigint>
  /** When its counters began. */
  readonly epoch: string
}

/**
 * By pg_stat_statements, where the server has it loaded: a tenant's logins have its key in their names.
 * Undefined where it is not there. What its table had no room for any more is not in it.
 */
async function workedMicros(custody: pg.ClientBase, { names }: Site): Promise<Worked | undefined> {
  const schema = await statementsSchema(custody)
  if (schema === undefined) return undefined
  const { rows: info } = await custody.query<{ epoch: string }>(
    `select stats_reset::text as epoch from ${schema}.pg_stat_statements_info`,
  )
  const { rows } = await custody.query<{ role: string; micros: string }>(
    `select r.rolname as role,
        round(sum(s.total_exec_time + s.total_plan_time) * 1000)::numeric(40, 0)::text as micros
       from ${schema}.pg_stat_statements s join pg_roles r on r.oid = s.userid
      where r.rolname ~ $1 group by 1`,
    [loginPattern(names)],
  )
  const byKey = new Map<TenantKey, bigint>()
  for (const { role, micros } of rows) {
    const key = keyOf(names, role)
    byKey.set(key, (byKey.get(key) ?? 0n) + BigInt(micros))
  }
  return { byKey, epoch: info[0]?.epoch ?? '' }
}

/** Where its views are made when they are nowhere: in the ledger's database, into which no tenant comes. */
const STATEMENTS_SCHEMA = 'rf_costs'

/** The schema of its views, made here if need be; undefined where it is not loaded or we may not make them. */
async function statementsSchema(custody: pg.ClientBase): Promise<string | undefined> {
  const { rows } = await custody.query<{ loaded: boolean }>(
    `select current_setting('shared_preload_libraries') ~ '\\ypg_stat_statements\\y' as loaded`,
  )
  if (rows[0]?.loaded !== true) return undefined
  const known = await schemaOfStatements(custody)
  if (known !== undefined) return known
  try {
    await custody.query(`create schema if not exists ${STATEMENTS_SCHEMA}`)
    await custody.query(
      `create extension if not exists pg_stat_statements schema ${STATEMENTS_SCHEMA}`,
    )
  } catch {
    // On a server that is not ours this may be for others: then time is not measured, and all else is.
    return undefined
  }
  return schemaOfStatements(custody)
}

async function schemaOfStatements(custody: pg.ClientBase): Promise<string | undefined> {
  const { rows } = await custody.query<{ schema: string }>(
    `select quote_ident(n.nspname) as schema from pg_extension x
       join pg_namespace n on n.oid = x.extnamespace where x.extname = 'pg_stat_statements'`,
  )
  return rows[0]?.schema
}
