import type pg from 'pg'
import type { Finding } from '../../../core/finding.ts'
import { databaseExists, ident, withClient } from '../connection.ts'
import type { Site } from '../site.ts'
import { tenantTables, type TenantTable } from '../tenant-tables.ts'

/**
 * Finds rows of the shared database under a key that is no tenant's: of a place that was half made or
 * half left. Only keys are read, one step in the index for each. Reads only.
 */
export async function inspectStrayRows(site: Site): Promise<readonly Finding[]> {
  const { pooledDatabase, custodyDatabase } = site.names
  const there = await withClient(site.cluster.admin, (client) =>
    databaseExists(client, pooledDatabase),
  )
  if (!there) return []
  return withClient(site.admin(pooledDatabase), async (client) => {
    const found: { table: TenantTable; key: string }[] = []
    for (const table of await tenantTables(client, site.application)) {
      for (const key of await keysIn(client, table)) found.push({ table, key })
    }
    // The ledger after the rows: a tenant that came meanwhile is in it.
    const known = await withClient(site.admin(custodyDatabase), async (ledger) => {
      const { rows } = await ledger.query<{ key: string }>(
        'select key from custody.tenant union all select key from custody.move',
      )
      return new Set(rows.map(({ key }) => key))
    })
    const findings: Finding[] = []
    for (const { table, key } of found.filter((one) => !known.has(one.key))) {
      const column = ident(table.tenantColumn)
      // One that was erased meanwhile has no rows any more.
      const { rowCount } = await client.query(
        `select from ${table.qualified} where ${column} = $1 limit 1`,
        [key],
      )
      if (rowCount === 0) continue
      findings.push({
        rule: 'pg-rows-unknown',
        severity: 'medium',
        object: `${site.application.schema}.${table.name} (${key})`,
        explanation:
          'Rows are there under a key that the ledger does not know: they are in no export and survive every erasure.',
        fix: `delete from ${table.qualified} where ${column} = '${key}'`,
      })
    }
    return findings
  })
}

async function keysIn(client: pg.ClientBase, table: TenantTable): Promise<readonly string[]> {
  const column = ident(table.tenantColumn)
  const { rowCount } = await client.query(
    `select from pg_catalog.pg_index i join pg_catalog.pg_attribute a
       on a.attrelid = i.indrelid and a.attnum = i.indkey[0] and a.attname = $2
     where i.indrelid = $1::regclass and i.indpred is null and i.indisvalid limit 1`,
    [table.qualified, table.tenantColumn],
  )
  // Without an index each step would read the whole table: then it is read once.
  const keys =
    rowCount === 0
      ? `select distinct ${column} as key from ${table.qualified}`
      : `with recursive step as (
           (select ${column} as key from ${table.qualified} order by 1 limit 1)
           union all
           select (select ${column} from ${table.qualified} where ${column} > step.key order by 1 limit 1)
           from step where step.key is not null)
         select key from step`
  const { rows } = await client.query<{ key: string }>(
    `select k.key::text as key from (${keys}) k where k.key is not null`,
  )
  return rows.map(({ key }) => key)
}
