import { createHash } from 'node:crypto'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { ExportItem, ExportManifest, ExportSink } from '../boundary.ts'
import { clientConfig, ident, type Settings, withClient } from './connection.ts'
import type { Application } from './manifest.ts'
import type { TenantKey } from './names.ts'
import { type TenantTable, tenantTables } from './tenant-tables.ts'

/** What is read at a time, as near as the rows so far tell. Bytes, and rows. */
const BATCH_BYTES = 1024 * 1024
const BATCH_ROWS_MAX = 2000

/** Both sessions live as long as the sink takes, and the one is idle while the other reads. */
const WAIT_FOR_THE_SINK = `set statement_timeout = 0; set idle_in_transaction_session_timeout = 0`

export interface ExportOptions {
  readonly tenant: TenantId
  readonly key: TenantKey
  readonly application: Application
  /** The administrator, on the tenant's database. */
  readonly admin: Settings
  /** The tenant's own login of scope `export`, on the same database. */
  readonly login: Settings
  readonly sink: ExportSink
}

/**
 * Writes each of the tenant's tables as lines of JSON. The rows are read with a login of the tenant,
 * so that the engine keeps other tenants' rows out; the administrator counts in the very same
 * snapshot, so that no row of the tenant's is missing.
 */
export async function exportTenant(options: ExportOptions): Promise<ExportManifest> {
  return withClient(options.admin, async (admin) => {
    await admin.query(WAIT_FOR_THE_SINK)
    await admin.query('begin isolation level repeatable read read only')
    const snapshot = await admin.query<{ id: string }>('select pg_export_snapshot() as id')
    const id = snapshot.rows[0]?.id ?? ''
    const items: ExportItem[] = []
    const client = new pg.Client(clientConfig(options.login, 'ringfence-export'))
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query(WAIT_FOR_THE_SINK)
      await client.query('begin isolation level repeatable read read only')
      await client.query(`set transaction snapshot ${pg.escapeLiteral(id)}`)
      for (const table of await tenantTables(admin, options.application)) {
        const item = await exportTable(client, table, options.sink)
        const expected = await countRows(admin, table, options.key)
        if (item.count !== expected) {
          throw new RingfenceError('internal', `the export of ${table.name} is not complete`, {
            detail: `${item.count} of ${expected} rows`,
          })
        }
        items.push(item)
      }
    } finally {
      await client.end().catch(() => {})
    }
    return { tenant: options.tenant, engine: 'postgres', exportedAt: new Date(), items }
  })
}

async function exportTable(
  client: pg.Client,
  table: TenantTable,
  sink: ExportSink,
): Promise<ExportItem> {
  const hash = createHash('sha256')
  let count = 0
  let bytes = 0
  let batch = 4
  // Not closed on a failure: that would wait for a connection which may be gone. The caller ends it.
  const cursor = client.query(
    new Cursor<{ line: string }>(`select row_to_json(t)::text as line from ${table.qualified} t`),
  )
  await sink.open(table.name)
  for (;;) {
    const rows = await cursor.read(batch)
    if (rows.length === 0) break
    const chunk = Buffer.from(rows.map((row) => `${row.line}\n`).join(''))
    hash.update(chunk)
    count += rows.length
    bytes += chunk.length
    await sink.write(chunk)
    // Carefully at first: nothing says how long rows are before the first ones have come.
    const fitting = Math.floor(BATCH_BYTES / (bytes / count))
    batch = Math.max(1, Math.min(fitting, batch * 4, BATCH_ROWS_MAX))
  }
  await sink.close(table.name)
  return { item: table.name, count, bytes, sha256: hash.digest('hex') }
}

async function countRows(
  admin: pg.ClientBase,
  table: TenantTable,
  key: TenantKey,
): Promise<number> {
  const { rows } = await admin.query<{ count: string }>(
    `select count(*) from ${table.qualified} where ${ident(table.tenantColumn)} = $1`,
    [key],
  )
  return Number(rows[0]?.count)
}
