import pg from 'pg'
import { messageOf, RingfenceError } from '../../../core/errors.ts'
import { applyGrants, checkWithGuard } from '../application/grants.ts'
import { migrate } from '../application/migrations.ts'
import {
  databaseExists,
  exists,
  ident,
  inTransaction,
  literal,
  onDatabase,
  type Settings,
  sqlState,
  withClient,
} from '../connection.ts'
import { scramVerifier } from '../../../clusters/scram.ts'
import type { Application } from '../manifest.ts'
import { type Names } from '../names.ts'
import { ownFunctionsOfCustody } from '../inspect/own-functions.ts'
import { custodySql } from './custody.ts'
import { custodyUpgradeSql } from './custody-tables.ts'
import { guardSql } from './guard.ts'
import { identitySql } from './identity.ts'
import { LOGIN_HOOK_SERVER_VERSION_MIN, loginHookSql } from './login-hook.ts'
import { closeDatabaseSql, revokesSql } from './revokes.ts'
import { installRoles } from './roles.ts'

/** Temporary files that one process of an application database may write. */
const TEMP_FILE_LIMIT = '1GB'

/** Serialises installing processes of one database. The number is the word "ring" in ASCII. */
const INSTALLATION_LOCK = 0x72696e67

export interface InstallOptions {
  readonly admin: Settings
  readonly names: Names
  readonly custodianPassword: string
  /** True when the server is Ringfence's alone, so that its other databases may be closed too. */
  readonly exclusive: boolean
}

/** Roles, the custody database, and closed doors elsewhere. Idempotent; safe to kill and repeat. */
export async function installCluster(options: InstallOptions): Promise<void> {
  const { admin, names, exclusive } = options
  const verifier = await scramVerifier(options.custodianPassword)
  await withClient(admin, async (client) => {
    await lockInstallation(client)
    await inTransaction(client, () => installRoles(client, names, verifier))
    if (exclusive) {
      for (const database of ['postgres', 'template1'])
        await client.query(closeDatabaseSql(database))
    }
    await createClosedDatabase(client, names.custodyDatabase, 'template0')
  })
  await withClient(onDatabase(admin, names.custodyDatabase), async (client) => {
    await lockInstallation(client)
    if (await schemaExists(client, 'custody')) return upgradeLedger(client, names)
    await inTransaction(client, async () => {
      await client.query(custodySql(names))
      await client.query(
        `grant connect on database ${ident(names.custodyDatabase)} to ${ident(names.custodian)}`,
      )
    })
  })
}

/** Brings a ledger that an earlier release installed up to this one's. */
async function upgradeLedger(client: pg.Client, names: Names): Promise<void> {
  if (
    await exists(client, "pg_catalog.pg_tables where schemaname = 'custody' and tablename", 'move')
  )
    return
  await inTransaction(client, async () => {
    await client.query(custodyUpgradeSql())
    for (const { repair } of ownFunctionsOfCustody(names)) await client.query(repair)
  })
}

/**
 * Makes (or completes) a database that holds the application behind the boundary. Tenants cannot
 * connect before it is whole. Returns the migrations that ran.
 */
export async function installDatabase(
  admin: Settings,
  names: Names,
  database: string,
  application: Application,
): Promise<readonly string[]> {
  await withClient(admin, async (client) => {
    await lockInstallation(client)
    await createClosedDatabase(client, database, 'template0')
  })
  const settings = onDatabase(admin, database)
  // What a migration sets in its session must not reach the statements that come after it.
  const ran = await withClient(settings, async (client) => {
    await lockInstallation(client)
    if (!(await schemaExists(client, 'rf'))) await harden(client, names, database)
    return migrate(client, names, application)
  })
  await withClient(settings, async (client) => {
    await lockInstallation(client)
    try {
      await inTransaction(client, async () => {
        await applyGrants(client, names, application)
        await checkWithGuard(client)
      })
    } catch (error) {
      throw refusal(error)
    }
  })
  return ran
}

/** What the guard says of the finished schema is for whoever wrote it. */
function refusal(error: unknown): unknown {
  if (sqlState(error) !== '42501' || !messageOf(error).startsWith('ringfence refuses')) return error
  const hint = error instanceof pg.DatabaseError ? error.hint : undefined
  return new RingfenceError(
    'migration_failed',
    [messageOf(error), ...(hint === undefined ? [] : [hint])].join(': '),
    { cause: error },
  )
}

async function harden(client: pg.Client, names: Names, database: string): Promise<void> {
  const { rows } = await client.query<{ server_version_num: string }>('show server_version_num')
  const hasLoginTriggers = Number(rows[0]?.server_version_num) >= LOGIN_HOOK_SERVER_VERSION_MIN
  await inTransaction(client, async () => {
    await client.query(identitySql(names))
    // Before the guard, which would look at the whole schema after each of hundreds of revokes.
    await client.query(revokesSql(names, database))
    await client.query(guardSql(names))
    if (hasLoginTriggers) await client.query(loginHookSql(names))
    await client.query(databaseSettingsSql(database))
  })
}

/** Lets one process at a time install in the client's database, until the connection is closed. */
async function lockInstallation(client: pg.Client): Promise<void> {
  // The databases of tenants have a short one, for tenants.
  await client.query('set lock_timeout = 0')
  await client.query('select pg_advisory_lock($1)', [INSTALLATION_LOCK])
  await client.query('set lock_timeout to default')
}

/** Defaults that a tenant's session may lower, and limits that it may not raise (temp_file_limit). */
function databaseSettingsSql(database: string): string {
  const name = ident(database)
  return `
    alter database ${name} set temp_file_limit = ${literal(TEMP_FILE_LIMIT)};
    alter database ${name} set statement_timeout = '30s';
    alter database ${name} set lock_timeout = '10s';
    alter database ${name} set idle_in_transaction_session_timeout = '60s';`
}

/** Lets the tenants of the pooled groups in. The last step of making the pooled database. */
export async function openToPooledTenants(admin: Settings, names: Names): Promise<void> {
  const groups = Object.values(names.pooledGroups).map(ident).join(', ')
  await withClient(admin, (client) =>
    client.query(`grant connect on database ${ident(names.pooledDatabase)} to ${groups}`),
  )
}

/**
 * Runs all steps of an installation while no other process runs one on the same server: each step is
 * safe by itself, but one process's last step would undo another's first, which open and close the
 * same databases.
 */
export async function whileNobodyElseInstalls<T>(
  admin: Settings,
  names: Names,
  work: () => Promise<T>,
): Promise<T> {
  return withClient(admin, async (client) => {
    await lockName(client, `${names.prefix} is being installed`)
    return work()
  })
}

/** A database that nobody but the administrator may connect to yet. */
async function createClosedDatabase(
  client: pg.Client,
  database: string,
  template: string,
  more = '',
): Promise<void> {
  await lockName(client, database)
  if (!(await databaseExists(client, database))) {
    // Connections stay off until PUBLIC's right to connect is gone, so that there is no open moment.
    await client.query(
      `create database ${ident(database)} template ${ident(template)} allow_connections false ${more}`,
    )
  }
  await client.query(closeDatabaseSql(database))
  await client.query(`alter database ${ident(database)} allow_connections true`)
}

/** A copy of `template`, closed to everybody; the caller opens it to whom it belongs. */
export async function copyDatabase(
  admin: Settings,
  template: string,
  database: string,
): Promise<void> {
  await withClient(admin, async (client) => {
    await createClosedDatabase(client, database, template)
    await client.query(databaseSettingsSql(database))
  })
}

/**
 * The same on a server that is thrown away, and that keeps its data in memory or leaves it to the
 * system when it is written: there a copy of the files is several times cheaper than one of the pages.
 */
export async function copyDatabaseFiles(
  admin: Settings,
  template: string,
  database: string,
): Promise<void> {
  await withClient(admin, async (client) => {
    await createClosedDatabase(client, database, template, 'strategy file_copy')
    await client.query(databaseSettingsSql(database))
  })
}

/** Shuts a database to connections for good, so that it can be copied. */
export async function sealTemplate(admin: Settings, database: string): Promise<void> {
  await withClient(admin, (client) =>
    client.query(`alter database ${ident(database)} allow_connections false`),
  )
}

export async function dropDatabase(admin: Settings, database: string): Promise<void> {
  await withClient(admin, async (client) => {
    await lockName(client, database)
    await client.query(`drop database if exists ${ident(database)} with (force)`)
  })
}

/**
 * Keeps others from making or dropping the database until the connection is closed. The server goes on
 * making one whose process was killed: whoever drops it then must not be told that it is not there.
 */
async function lockName(client: pg.Client, database: string): Promise<void> {
  await client.query('select pg_advisory_lock(hashtextextended($1, $2))', [
    database,
    INSTALLATION_LOCK,
  ])
}

async function schemaExists(client: pg.ClientBase, schema: string): Promise<boolean> {
  const { rows } = await client.query('select 1 from pg_namespace where nspname = $1', [schema])
  return rows.length > 0
}
