import { DBOS } from '@dbos-inc/dbos-sdk'
import pg from 'pg'
import type { DatabaseSettings } from '../../database/pooled-database.ts'

/** The schema of the workflow library's own tables. */
export const DURABLE_SCHEMA = 'dbos'

/** The library prints nothing by itself. */
export const SILENT = { info() {}, debug() {}, warn() {}, error() {} }

/**
 * Makes or upgrades the workflow library's tables as an administrator. Starting the library is its
 * way to do so on a connection that a URL cannot describe; under another application's name, so that
 * it takes nobody's workflows.
 */
export async function migrateDurable(admin: DatabaseSettings): Promise<void> {
  const pool = new pg.Pool({ ...admin, max: 4 })
  pool.on('error', () => {})
  try {
    DBOS.setConfig({
      name: 'ringfence-prepare',
      systemDatabasePool: pool,
      systemDatabaseSchemaName: DURABLE_SCHEMA,
      runMigrations: true,
      executorID: 'prepare',
      applicationVersion: 'prepare',
      logger: SILENT,
    })
    await DBOS.launch()
    await DBOS.shutdown()
  } finally {
    await pool.end()
  }
}
