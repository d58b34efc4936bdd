import pg from 'pg'
import { messageOf, RingfenceError } from '../../../core/errors.ts'
import { exists, ident, inTransaction } from '../connection.ts'
import type { Application, Migration } from '../manifest.ts'
import type { Names } from '../names.ts'

/**
 * Runs the application's migrations that this database has not seen, in order of name, each in a
 * transaction, as the owner role. One process at a time: the caller holds a lock.
 * @throws RingfenceError `migration_failed` that names the migration, what the engine said, and what
 *   to do; the failed migration leaves nothing behind.
 */
export async function migrate(
  admin: pg.ClientBase,
  names: Names,
  application: Application,
): Promise<readonly string[]> {
  const { rows } = await admin.query<{ name: string; sha256: string }>(
    'select name, sha256 from rf.migration where application = $1',
    [application.name],
  )
  const done = new Map(rows.map((row) => [row.name, row.sha256]))
  for (const { name, sha256 } of application.migrations) {
    if (sha256 !== (done.get(name) ?? sha256)) {
      throw new RingfenceError(
        'migration_failed',
        `${name} has changed since it was applied; write a new migration instead`,
      )
    }
  }
  await makeSchema(admin, names, application)
  const pending = application.migrations.filter(({ name }) => !done.has(name))
  if (pending.length > 0) await announce(admin, application)
  for (const migration of pending) await runOne(admin, names, application, migration)
  return pending.map(({ name }) => name)
}

async function makeSchema(
  admin: pg.ClientBase,
  names: Names,
  { schema }: Application,
): Promise<void> {
  if (await exists(admin, 'pg_catalog.pg_namespace where nspname', schema)) return
  await admin.query(`create schema ${ident(schema)} authorization ${ident(names.owner)}`)
}

/**
 * Tells the guard which columns say whose row it is, before a migration makes a table with one. What
 * an earlier manifest said holds too, as its grants do, until this one is applied as a whole.
 */
async function announce(admin: pg.ClientBase, application: Application): Promise<void> {
  await admin.query(
    `insert into rf.application as a (name, schema, tenant_column, tables, shared, views, functions, sha256)
     values ($1, $2, $3, $4, $5, '{}', '{}', '') on conflict (name) do update
       set tenant_column = excluded.tenant_column, tables = a.tables || excluded.tables,
         shared = a.shared || excluded.shared`,
    [
      application.name,
      application.schema,
      application.tenantColumn,
      JSON.stringify(application.tables),
      application.shared,
    ],
  )
}

async function runOne(
  admin: pg.ClientBase,
  names: Names,
  application: Application,
  migration: Migration,
): Promise<void> {
  try {
    await inTransaction(admin, async () => {
      await admin.query('set local statement_timeout = 0')
      // Foreign keys are checked, and data is migrated, over all tenants' rows. Nobody else ever sees
      // the attribute: it is gone again before the transaction commits. Roles belong to the whole
      // server, and so must the lock: other databases may be migrating at the same time.
      await admin.query(`select from pg_catalog.pg_authid where rolname = $1 for update`, [
        names.owner,
      ])
      await admin.query(`alter role ${ident(names.owner)} bypassrls`)
      await admin.query('select rf.run_migration($1, $2)', [
        migration.sql,
        `${ident(application.schema)}, pg_catalog`,
      ])
      await admin.query(`alter role ${ident(names.owner)} nobypassrls`)
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
