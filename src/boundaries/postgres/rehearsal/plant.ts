import type pg from 'pg'
import { ident } from '../connection.ts'
import type { Application } from '../manifest.ts'
import type { TenantKey } from '../names.ts'
import { type TenantTable, tenantTables } from '../tenant-tables.ts'

/** One row that the proof made up for a tenant, as the engine stored it. */
export interface PlantedRow {
  readonly table: TenantTable
  readonly row: Readonly<Record<string, unknown>>
}

interface Column {
  readonly name: string
  readonly type: string
  readonly category: string
  readonly maxLength: number | null
  readonly required: boolean
  readonly firstLabel: string | null
  /** Definition of a check constraint that the column is in. */
  readonly check: string | null
}

interface ForeignKey {
  readonly schema: string
  readonly target: string
  readonly columns: readonly string[]
  readonly targetColumns: readonly string[]
}

/**
 * Makes up one row for the tenant in each of the application's tables, parents first, with the
 * canary in every text column that has room and no sample value. Returns what it planted and, for
 * each table that refused, why: such a table is not exercised, and the run says so.
 */
export async function plantRows(
  admin: pg.ClientBase,
  application: Application,
  key: TenantKey,
  canary: string,
): Promise<{ planted: readonly PlantedRow[]; refused: ReadonlyMap<string, string> }> {
  const planted = new Map<string, PlantedRow>()
  const refused = new Map<string, string>()
  const tables = await tenantTables(admin, application)
  const left = new Map(tables.map((table) => [table.name, table]))
  // Each round plants the tables whose parents are there; one that never gets its turn is refused.
  for (let round = 0; round <= tables.length && left.size > 0; round += 1) {
    for (const table of left.values()) {
      const keys = await foreignKeys(admin, table, application)
      const waits = keys.some(({ target }) => target !== table.name && left.has(target))
      if (waits && round < tables.length) continue
      left.delete(table.name)
      try {
        const values = await makeUp(admin, application, table, keys, planted, key, canary)
        const row = await insert(admin, table, values)
        planted.set(table.name, { table, row })
      } catch (error) {
        refused.set(table.name, error instanceof Error ? error.message : String(error))
      }
    }
  }
  return { planted: [...planted.values()], refused }
}

async function makeUp(
  admin: pg.ClientBase,
  application: Application,
  table: TenantTable,
  keys: readonly ForeignKey[],
  planted: ReadonlyMap<string, PlantedRow>,
  key: TenantKey,
  canary: string,
): Promise<Map<string, unknown>> {
  const values = new Map<string, unknown>()
  const samples = application.tables[table.name]?.sample ?? {}
  for (const column of await columnsOf(admin, table)) {
    const sample = samples[column.name]
    if (sample !== undefined) values.set(column.name, sample)
    else if (column.required || (column.category === 'S' && column.check === null)) {
      values.set(column.name, valueFor(column, canary))
    }
  }
  for (const foreign of keys) {
    const parent = planted.get(foreign.target)?.row ?? (await anyRow(admin, foreign))
    if (parent === undefined) continue
    foreign.columns.forEach((column, index) => {
      values.set(column, parent[foreign.targetColumns[index] ?? ''])
    })
  }
  values.set(table.tenantColumn, key)
  return values
}

function valueFor(column: Column, canary: string): unknown {
  if (column.firstLabel !== null) return column.firstLabel
  if (column.category === 'S' && column.check !== null) {
    // The usual check lists the values that are allowed: the first one will do.
    return /'((?:[^']|'')*)'/.exec(column.check)?.[1]?.replaceAll("''", "'") ?? canary
  }
  if (column.category === 'S') return canary.slice(0, column.maxLength ?? canary.length)
  if (column.type === 'uuid') return crypto.randomUUID()
  if (column.type === 'jsonb' || column.type === 'json') return JSON.stringify({ canary })
  if (column.type === 'bytea') return Buffer.from(canary)
  switch (column.category) {
    case 'N':
      return 1
    case 'B':
      return true
    case 'D':
      return '2026-03-02 09:00:00+00'
    case 'T':
      return '15 minutes'
    case 'A':
      return '{}'
    case 'I':
      return '192.0.2.1'
    default:
      return null
  }
}

async function insert(
  admin: pg.ClientBase,
  table: TenantTable,
  values: ReadonlyMap<string, unknown>,
): Promise<Record<string, unknown>> {
  const columns = [...values.keys()]
  const { rows } = await admin.query<Record<string, unknown>>(
    `insert into ${table.qualified} (${columns.map(ident).join(', ')})
     values (${columns.map((_, index) => `$${index + 1}`).join(', ')}) returning *`,
    [...values.values()],
  )
  return rows[0] ?? {}
}

async function columnsOf(admin: pg.ClientBase, table: TenantTable): Promise<readonly Column[]> {
  const { rows } = await admin.query<Column>(
    `select a.attname as name, t.typname as type, t.typcategory as category,
       case when a.atttypmod > 4 and t.typname in ('varchar', 'bpchar') then a.atttypmod - 4 end as "maxLength",
       a.attnotnull and not a.atthasdef as required,
       (select e.enumlabel from pg_catalog.pg_enum e where e.enumtypid = t.oid order by e.enumsortorder limit 1)
         as "firstLabel",
       (select pg_get_constraintdef(c.oid) from pg_catalog.pg_constraint c
         where c.conrelid = a.attrelid and c.contype = 'c' and a.attnum = any (c.conkey) limit 1) as check
     from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
     where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
       and a.attgenerated = '' and a.attidentity = '' order by a.attnum`,
    [table.qualified],
  )
  return rows
}

async function foreignKeys(
  admin: pg.ClientBase,
  table: TenantTable,
  application: Application,
): Promise<readonly ForeignKey[]> {
  const names = (keys: string, relation: string) =>
    `(select array_agg(a.attname::text order by k.ord) from unnest(${keys}) with ordinality k(num, ord)
       join pg_catalog.pg_attribute a on a.attrelid = ${relation} and a.attnum = k.num)`
  const { rows } = await admin.query<ForeignKey>(
    `select n.nspname as schema, r.relname as target, ${names('c.conkey', 'c.conrelid')} as columns,
       ${names('c.confkey', 'c.confrelid')} as "targetColumns"
     from pg_catalog.pg_constraint c join pg_catalog.pg_class r on r.oid = c.confrelid
       join pg_catalog.pg_namespace n on n.oid = r.relnamespace
     where c.conrelid = $1::regclass and c.contype = 'f' and c.conparentid = 0`,
    [table.qualified],
  )
  return rows.filter((row) => row.schema === application.schema)
}

/** Some row of a shared table, for a foreign key to it. */
async function anyRow(
  admin: pg.ClientBase,
  foreign: ForeignKey,
): Promise<Record<string, unknown> | undefined> {
  const { rows } = await admin.query<Record<string, unknown>>(
    `select * from ${ident(foreign.schema)}.${ident(foreign.target)} limit 1`,
  )
  return rows[0]
}
