import pg from 'pg'
import { messageOf, RingfenceError } from '../../../core/errors.ts'
import { ident, inTransaction } from '../connection.ts'
import type { Application, Migration } from '../manifest.ts'
import type { Names } from '../names.ts'

/** Serialises migrating processes of one database. The number is the word "ring" in ASCII. */
const MIGRATION_LOCK = 0x72696e67

/**
 * Runs the application's migrations that this database has not seen, in order of name, each in a
 * transaction, as the owner role.
 * @throws RingfenceError `migration_failed` that names the migration, what the engine said, and what
 *   to do; the failed migration leaves nothing behind.
 */
export async function migrate(
  admin: pg.ClientBase,
  names: Names,
  application: Application,
): Promise<readonly string[]> {
  await admin.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
  try {
    await admin.query(
      `create schema if not exists ${ident(application.schema)} authorization ${ident(names.owner)}`,
    )
    const { rows } = await admin.query<{ name: string; sha256: string }>(
      'select name, sha256 from rf.migration where application = $1',
      [application.name],
    )
    const done = new Map(rows.map((row) => [row.name, row.sha256]))
    const ran: string[] = []
    for (const migration of application.migrations) {
      const before = done.get(migration.name)
      if (before === undefined) {
        await runOne(admin, application, migration)
        ran.push(migration.name)
      } else if (before !== migration.sha256) {
        throw new RingfenceError(
          'migration_failed',
          `${migration.name} has changed since it was applied; write a new migration instead`,
        )
      }
    }
    return ran
  } finally {
    await admin.query('select pg_catalog.pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => {})
  }
}

async function runOne(
  admin: pg.ClientBase,
  application: Application,
  migration: Migration,
): Promise<void> {
  try {
    await inTransaction(admin, async () => {
      await admin.query('set local statement_timeout = 0')
      await admin.query('select rf.run_migration($1, $2)', [
        migration.sql,
        `${ident(application.schema)}, pg_catalog`,
      ])
      await admin.query(
        'insert into rf.migration (application, name, sha256) values ($1, $2, $3)',
        [application.name, migration.name, migration.sha256],
      )
    })
  } catch (error) {
    const advice = adviceFor(error)
    throw new RingfenceError(
      'migration_failed',
      `${migration.name}: ${messageOf(error)}${advice === undefined ? '' : `: ${advice}`}`,
      { cause: error },
    )
  }
}

function adviceFor(error: unknown): string | undefined {
  if (!(error instanceof pg.DatabaseError)) return undefined
  if (error.hint !== undefined) return error.hint
  if (/within security-definer function|EXECUTE of transaction commands/.test(error.message)) {
    return "a migration runs as the schema's owner, in one transaction"
  }
  return undefined
}
