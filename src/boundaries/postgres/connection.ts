import pg from 'pg'
import type { ConnectionSettings } from '../../clusters/cluster.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'

export const ident = pg.escapeIdentifier
export const literal = pg.escapeLiteral

/** Milliseconds to wait for a connection, and for one administrative statement. */
const CONNECT_TIMEOUT_MS = 10_000
const STATEMENT_TIMEOUT_MS = 120_000

export type Settings = ConnectionSettings

export function clientConfig(settings: Settings, application: string): pg.ClientConfig {
  return {
    host: settings.host,
    port: settings.port,
    user: settings.user,
    password: settings.password,
    database: settings.database,
    ...(settings.ssl === undefined ? {} : { ssl: settings.ssl }),
    application_name: application,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  }
}

/**
 * Opens a connection, gives it to `work`, and closes it.
 * @throws RingfenceError `engine_unavailable` when the server cannot be reached.
 */
export async function withClient<T>(
  settings: Settings,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    ...clientConfig(settings, 'ringfence'),
    statement_timeout: STATEMENT_TIMEOUT_MS,
  })
  // A connection that breaks while idle must not end the process; the next query reports it.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    await client.end().catch(() => {})
    throw unavailable(error)
  }
  try {
    return await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/** Runs `work` in one transaction. */
export async function inTransaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

/** The SQLSTATE of a server's error, or undefined. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}

/** Says that the server or the way to it broke, not the statement: SQLSTATE classes 08, 53, 57P. */
const BROKEN = /^(08|53|57P)/
/** The driver's own words for the same. */
const LOST = /^(Connection terminated|Client has encountered a connection error|timeout expired)/

/**
 * Gives errors of the server and of the driver a code: `timed_out`, `engine_unavailable` or, for what
 * nobody expected, `internal`. Anything else that `work` throws passes as it is.
 */
export async function typed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const state = sqlState(error)
    const options = { detail: messageOf(error), cause: error }
    if (state === '57014' || state === '55P03') {
      throw new RingfenceError('timed_out', 'the database server did not answer in time', options)
    }
    if (BROKEN.test(state ?? '') || (error instanceof Error && LOST.test(error.message))) {
      throw unavailable(error)
    }
    if (state !== undefined) {
      throw new RingfenceError('internal', 'the database server refused a statement', options)
    }
    throw error
  }
}

function unavailable(error: unknown): RingfenceError {
  return new RingfenceError('engine_unavailable', 'the database server cannot be reached', {
    detail: messageOf(error),
    cause: error,
  })
}

export function onDatabase(settings: Settings, database: string): Settings {
  return { ...settings, database }
}

/** Whether a relation, role, database … of that name is there. */
export async function exists(client: pg.ClientBase, sql: string, name: string): Promise<boolean> {
  return (await client.query(`select 1 from ${sql} = $1`, [name])).rows.length > 0
}

export async function databaseExists(client: pg.ClientBase, name: string): Promise<boolean> {
  return exists(client, 'pg_catalog.pg_database where datname', name)
}
