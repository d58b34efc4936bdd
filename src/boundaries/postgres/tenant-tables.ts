import type pg from 'pg'
import { ident } from './connection.ts'
import { type Application, tenantColumnOf } from './manifest.ts'

/** A table of the application that holds tenants' rows, whether the manifest names it or not. */
export interface TenantTable {
  readonly name: string
  /** Quoted and qualified, for use in SQL. */
  readonly qualified: string
  readonly tenantColumn: string
}

/** All tables with tenant rows, in order of name; partitions are part of their parent. */
export async function tenantTables(
  client: pg.ClientBase,
  application: Application,
): Promise<readonly TenantTable[]> {
  const { rows } = await client.query<{ relname: string; columns: string[] }>(
    `select c.relname, array_agg(a.attname::text) as columns from pg_catalog.pg_class c
       join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p') and not c.relispartition
     group by 1 order by 1`,
    [ident(application.schema)],
  )
  return rows.flatMap(({ relname, columns }) => {
    const tenantColumn = tenantColumnOf(application, relname)
    if (application.shared.includes(relname) || !columns.includes(tenantColumn)) return []
    return [
      { name: relname, qualified: `${ident(application.schema)}.${ident(relname)}`, tenantColumn },
    ]
  })
}
