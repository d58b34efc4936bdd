import type pg from 'pg'
import { messageOf, RingfenceError } from '../../../core/errors.ts'
import { ident, inTransaction } from '../connection.ts'
import type { Application, Migration } from '../manifest.ts'
import type { Names } from '../names.ts'

/** A migration runs as the owner; these would make it something else. */
const ROLE_CHANGE =
  /\b(?:reset\s+(?:role|session|all)|set\s+(?:local\s+|session\s+)?role|session\s+authorization|session_replication_role|event_triggers)\b/i

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
        await runOne(admin, names, application, migration)
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
    await admin.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => {})
  }
}

async function runOne(
  admin: pg.ClientBase,
  names: Names,
  application: Application,
  migration: Migration,
): Promise<void> {
  const forbidden = ROLE_CHANGE.exec(withoutComments(migration.sql))
  if (forbidden !== null) {
    throw new RingfenceError(
      'migration_failed',
      `${migration.name}: a migration runs as the schema's owner and may not use "${forbidden[0]}"`,
    )
  }
  try {
    await inTransaction(admin, async () => {
      // Foreign keys are checked, and data is migrated, over all tenants' rows. Nobody else ever sees
      // the attribute: it is gone again before the transaction commits.
      await admin.query(`alter role ${ident(names.owner)} bypassrls`)
      await admin.query(`set local role ${ident(names.owner)}`)
      await admin.query(`set local search_path = ${ident(application.schema)}, pg_catalog`)
      await admin.query(migration.sql)
      await admin.query('reset role')
      await admin.query(`alter role ${ident(names.owner)} nobypassrls`)
      await admin.query(
        'insert into rf.migration (application, name, sha256) values ($1, $2, $3)',
        [application.name, migration.name, migration.sha256],
      )
    })
  } catch (error) {
    const hint = (error as { hint?: string }).hint
    const advice = hint === undefined ? '' : `: ${hint}`
    throw new RingfenceError(
      'migration_failed',
      `${migration.name}: ${messageOf(error)}${advice}`,
      { cause: error },
    )
  }
}

function withoutComments(sql: string): string {
  return sql.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
}
