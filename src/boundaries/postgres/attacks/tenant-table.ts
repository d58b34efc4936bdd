import { ident } from '../connection.ts'
import { type Application, tenantColumnOf } from '../manifest.ts'
import type { Side } from '../rehearsal/side.ts'
import { GROUND } from '../rehearsal/ground.ts'
import type { Duel } from './postgres-attack.ts'

/** A table with tenant rows, of the application under proof or of the proving ground. */
export interface TenantTable {
  /** Quoted and qualified, for use in SQL. */
  readonly name: string
  readonly tenantColumn: string
  /** Quoted; empty where tenants may not read. */
  readonly readable: readonly string[]
  /** Quoted, without the tenant column; empty where tenants may not update. */
  readonly updatable: readonly string[]
  /** Not quoted, with the tenant column; empty where tenants may not insert. */
  readonly insertable: readonly string[]
  /** The generated function by which tenants delete one row: `rf_delete."note"`. */
  readonly deleteFunction: string | undefined
  /** Columns of the delete function's arguments. */
  readonly keyColumns: readonly string[]
  /** The row that was planted for the tenant. */
  readonly row: Readonly<Record<string, unknown>>
}

/** Every table in which the tenant has a planted row, with what the manifest lets tenants do there. */
export async function tablesOf(
  { arena, asAdmin }: Duel,
  side: Side,
): Promise<readonly TenantTable[]> {
  const admin = await asAdmin()
  const { rows: functions } = await admin.run(
    `select proname, proargnames from pg_catalog.pg_proc where pronamespace = 'rf_delete'::regnamespace`,
  )
  const { rows: columns } = await admin.run(
    `select format('"%s"."%s" %s', n.nspname, c.relname, a.attname) as name from pg_catalog.pg_attribute a
       join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where a.attgenerated <> '' or a.attidentity = 'a'`,
  )
  const generated = new Set(columns.map(({ name }) => name))
  const keys = new Map(functions.map((one) => [one['proname'], one['proargnames'] as string[]]))
  return side.planted.map(({ table, row }) => {
    const application = [arena.application, GROUND].find(
      ({ schema, tables }) =>
        `${ident(schema)}.${ident(table.name)}` === table.qualified && table.name in tables,
    )
    const rights = application?.tables[table.name]
    const allowed = (action: 'select' | 'insert' | 'update' | 'delete') =>
      rights?.allow.includes(action) ?? false
    const open = Object.keys(row).filter((column) => !(rights?.hidden.includes(column) ?? false))
    const tenantColumn =
      application === undefined ? table.tenantColumn : tenantColumnOf(application, table.name)
    return {
      name: table.qualified,
      tenantColumn,
      readable: allowed('select') ? open.map(ident) : [],
      updatable: allowed('update')
        ? open.filter((column) => column !== tenantColumn).map(ident)
        : [],
      insertable: allowed('insert')
        ? open.filter((column) => !generated.has(`${table.qualified} ${column}`))
        : [],
      deleteFunction: allowed('delete') ? `rf_delete.${ident(table.name)}` : undefined,
      keyColumns: keys.get(table.name) ?? [],
      row,
    }
  })
}

/** Shared reference tables of the application under proof and of the proving ground. */
export function sharedTablesOf({ arena }: Duel): readonly string[] {
  return [arena.application, GROUND].flatMap(({ schema, shared }: Application) =>
    shared.map((name) => `${ident(schema)}.${ident(name)}`),
  )
}
