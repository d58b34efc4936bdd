import type pg from 'pg'
import type { Erasure } from '../boundary.ts'
import { ident, inTransaction, type Settings, withClient } from './connection.ts'
import type { Application } from './manifest.ts'
import type { TenantKey } from './names.ts'
import { type TenantTable, tenantTables } from './tenant-tables.ts'

/** Distinctive values remembered per table before deletion, to look for afterwards. */
const SAMPLES_PER_TABLE = 4
const SAMPLES_MAX = 24
/**
 * A run of characters that no text form of a row escapes. Shorter ones also occur by chance, longer
 * ones only make the search slow.
 */
const SAMPLE_PATTERN = '[^"\\\\[:cntrl:]]{12,80}'

/** How JSON writes a time; the text form of a row writes it otherwise. */
const TIMESTAMP = '^\\d{4}-\\d\\d-\\d\\dT'

type Deleted = Erasure['deleted'][number]
type Probe = Erasure['probes'][number]

export const ERASURE_NOT_COVERED: readonly string[] = [
  'Backups, snapshots and replicas that were taken before: they keep the rows until they are deleted.',
  'Versions of rows that a transaction elsewhere on the server may still have to see: the next vacuum after it removes them.',
  'Write-ahead log segments that are not yet recycled, and archived ones.',
  'Blocks that the file system has freed but not overwritten.',
  'Server logs, and copies that the application made elsewhere.',
]

/**
 * Deletes a tenant's rows from a database that it shares, then looks for what may be left: in every
 * text of every relation, in planner statistics, in large objects and in materialized views.
 */
export async function eraseRows(
  settings: Settings,
  application: Application,
  key: TenantKey,
): Promise<{ deleted: readonly Deleted[]; probes: readonly Probe[] }> {
  return withClient(settings, async (admin) => {
    await admin.query('set statement_timeout = 0')
    const tables = await tenantTables(admin, application)
    const samples = await sampleValues(admin, application, tables, key)
    const deleted = await inTransaction(admin, async () => {
      // All of the tenant's rows go, and foreign keys stay inside a tenant: their order does not
      // matter, and the application's triggers would only write history about the deletion.
      await admin.query('set local session_replication_role = replica')
      const counts: Deleted[] = []
      for (const table of tables) {
        const result = await admin.query(
          `delete from ${table.qualified} where ${ident(table.tenantColumn)} = $1`,
          [key],
        )
        counts.push({ item: table.name, count: result.rowCount ?? 0 })
      }
      return counts
    })
    // Others' maintenance of these tables is waited for; tenants wait for none of it.
    await admin.query(`set lock_timeout = '5min'`)
    await inTransaction(admin, () => forgetStatistics(admin, tables))
    // VACUUM removes the dead row versions, ANALYZE gathers the statistics of what is left.
    for (const table of tables) await admin.query(`vacuum (analyze) ${table.qualified}`)
    return { deleted, probes: await residualProbes(admin, [key, ...samples]) }
  })
}

/**
 * Statistics quote values, and ANALYZE keeps those of a table that has become empty. No statement
 * removes them on all versions, but a superuser may.
 */
async function forgetStatistics(
  admin: pg.ClientBase,
  tables: readonly TenantTable[],
): Promise<void> {
  const relations = `
    with part as (
      select p.relid from unnest($1::text[]) name, lateral (
        select to_regclass(name)::oid as relid union select relid from pg_partition_tree(to_regclass(name))) p),
    relation as (select relid from part union
      select i.indexrelid from pg_catalog.pg_index i join part on part.relid = i.indrelid)`
  const names = tables.map((table) => table.qualified)
  if (names.length === 0) return
  // Keeps ANALYZE out, which would meet the rows that are deleted here.
  await admin.query(`lock table ${names.join(', ')} in share update exclusive mode`)
  await admin.query(
    `${relations} delete from pg_catalog.pg_statistic where starelid in (select relid from relation)`,
    [names],
  )
  await admin.query(
    // The row itself has to stay on PostgreSQL 14.
    `${relations} update pg_catalog.pg_statistic_ext_data d
       set stxdndistinct = null, stxddependencies = null, stxdmcv = null, stxdexpr = null
     from pg_catalog.pg_statistic_ext e where e.oid = d.stxoid and e.stxrelid in (select relid from relation)`,
    [names],
  )
}

/** A few long values of the tenant's, of different columns, that are in nobody else's rows. */
async function sampleValues(
  admin: pg.ClientBase,
  application: Application,
  tables: readonly TenantTable[],
  key: TenantKey,
): Promise<readonly string[]> {
  const samples = new Set<string>()
  for (const table of tables) {
    const { rows } = await admin.query<{ value: string }>(
      `select value from (
         select distinct on (j.key) substring(j.value from $2) as value
         from (select to_jsonb(t) as row from ${table.qualified} t
           where ${ident(table.tenantColumn)} = $1 limit 50) x, jsonb_each_text(x.row) j
         where j.value ~ $2 and j.value <> $1::text and j.value !~ $4
         order by j.key, length(j.value) desc) v
       order by length(value) desc, value limit $3`,
      [key, SAMPLE_PATTERN, SAMPLES_PER_TABLE, TIMESTAMP],
    )
    for (const { value } of rows) samples.add(value)
  }
  const elsewhere = [
    ...tables.map((table) => `${table.qualified} t where ${ident(table.tenantColumn)} <> $2 and`),
    ...application.shared.map(
      (name) => `${ident(application.schema)}.${ident(name)} t where $2::uuid is not null and`,
    ),
  ]
  let own = [...samples].slice(0, SAMPLES_MAX)
  for (const rowsOfOthers of elsewhere) {
    const { rows } = await admin.query<{ needle: string }>(
      `select needle from unnest($1::text[]) needle
       where not exists (select 1 from ${rowsOfOthers} strpos(t::text, needle) > 0)`,
      [own, key],
    )
    own = rows.map((row) => row.needle)
  }
  return own
}

/** Counts rows, statistics and large objects that still hold the tenant's key or a sampled value. */
async function residualProbes(
  admin: pg.ClientBase,
  needles: readonly string[],
): Promise<readonly Probe[]> {
  const { rows } = await admin.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
       and n.nspname !~ '^pg_' order by 1`,
  )
  const probes: Probe[] = []
  const count = async (place: string, sql: string) => {
    const result = await admin.query<{ count: string }>(sql, [needles])
    probes.push({ place, found: Number(result.rows[0]?.count) })
  }
  const holds = (text: string) =>
    `exists (select 1 from unnest($1::text[]) needle where strpos(${text}, needle) > 0)`
  for (const { name } of rows) {
    await count(name, `select count(*) from ${name} t where ${holds('t::text')}`)
  }
  await count(
    'planner statistics',
    `select count(*) from pg_catalog.pg_stats s where s.schemaname <> 'pg_catalog' and ${holds(
      `concat_ws(' ', s.most_common_vals::text, s.histogram_bounds::text, s.most_common_elems::text)`,
    )}`,
  )
  await count(
    'extended planner statistics',
    `select count(*) from pg_catalog.pg_stats_ext s where ${holds('s.most_common_vals::text')}`,
  )
  await count(
    'large objects',
    `select count(*) from pg_catalog.pg_largeobject l where exists (select 1
       from unnest($1::text[]) needle where position(convert_to(needle, 'UTF8') in l.data) > 0)`,
  )
  return probes
}
