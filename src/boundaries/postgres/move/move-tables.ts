import type pg from 'pg'
import { RingfenceError } from '../../../core/errors.ts'
import { ident } from '../connection.ts'
import type { Application } from '../manifest.ts'
import { tenantTables } from '../tenant-tables.ts'

interface Column {
  readonly name: string
  readonly type: string
  readonly generated: boolean
  readonly keyPosition: number | null
}

/** A table of tenants' rows, as a move needs to know it. */
export interface MoveTable {
  readonly name: string
  /** Quoted and qualified: where rows are written, and for a partitioned table read. */
  readonly qualified: string
  /** The same for reading: without the rows of tables that inherit, which are moved by themselves. */
  readonly rows: string
  /** Quoted. It holds the tenant's key, which is another one in the new place. */
  readonly tenantColumn: string
  /** Quoted, without the tenant's and without generated ones, which the engine makes again. */
  readonly columns: readonly string[]
  /**
   * The primary key's columns, quoted, without the tenant's. Undefined when rows cannot be told apart
   * by what is copied: such a table is copied whole whenever something in it has changed.
   */
  readonly key: readonly string[] | undefined
  /** Equal for two tables with the same columns and key. */
  readonly shape: string
}

/** All tables with tenants' rows, in order of name. */
export async function moveTables(
  admin: pg.ClientBase,
  application: Application,
): Promise<readonly MoveTable[]> {
  const { rows } = await admin.query<Column & { table: string; partitioned: boolean }>(
    `select c.relname as table, c.relkind = 'p' as partitioned, a.attname as name,
       format_type(a.atttypid, a.atttypmod) as type, a.attgenerated <> '' as generated,
       array_position(i.indkey::int2[], a.attnum) as "keyPosition"
     from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
       left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary
     where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p') and not c.relispartition
       and a.attnum > 0 and not a.attisdropped order by c.relname, a.attname`,
    [ident(application.schema)],
  )
  const byTable = Map.groupBy(rows, (row) => row.table)
  return (await tenantTables(admin, application)).map(({ name, qualified, tenantColumn }) => {
    const columns = byTable.get(name) ?? []
    const copied = columns.filter((one) => !one.generated && one.name !== tenantColumn)
    const partitioned = columns.some((one) => one.partitioned)
    return {
      name,
      qualified,
      rows: partitioned ? qualified : `only ${qualified}`,
      tenantColumn: ident(tenantColumn),
      columns: copied.map((one) => ident(one.name)),
      key: keyOf(columns, tenantColumn),
      shape: JSON.stringify(
        columns.map((one) => [one.name, one.type, one.generated, one.keyPosition]),
      ),
    }
  })
}

function keyOf(columns: readonly Column[], tenantColumn: string): readonly string[] | undefined {
  const key = columns.filter((one) => one.keyPosition !== null && one.name !== tenantColumn)
  if (key.length === 0 || key.some((one) => one.generated)) return undefined
  return key.map((one) => ident(one.name))
}

/**
 * The tables, when both places have the same ones.
 * @throws RingfenceError `move_failed` that names one which differs
 */
export function sameTables(
  source: readonly MoveTable[],
  target: readonly MoveTable[],
): readonly MoveTable[] {
  const there = new Map(target.map((table) => [table.name, table.shape]))
  const other =
    source.find((table) => there.get(table.name) !== table.shape)?.name ??
    target.find((table) => source.every(({ name }) => name !== table.name))?.name
  if (other !== undefined) {
    throw new RingfenceError(
      'move_failed',
      `table ${other} is not the same in both places: bring both to the same migrations`,
    )
  }
  return source
}
