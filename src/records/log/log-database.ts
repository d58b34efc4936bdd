import pg from 'pg'
import { messageOf, RingfenceError } from '../../core/errors.ts'

/** How to reach the database that a region's logs are in. Holds a secret. */
export type LogDatabaseSettings = pg.ClientConfig

/** Milliseconds. What takes longer waits for a lock, or for a server that is gone. */
const CONNECT_MS = 10_000
const STATEMENT_MS = 60_000
const LOCK_MS = 30_000
const CONNECTIONS = 6
const TRIES = 5

export type LogClient = pg.ClientBase

/** The database of a region's logs. Errors of the server get the codes that a log store has. */
export class LogDatabase {
  readonly #pool: pg.Pool

  constructor(settings: LogDatabaseSettings) {
    this.#pool = new pg.Pool({
      application_name: 'ringfence-logs',
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      lock_timeout: LOCK_MS,
      idle_in_transaction_session_timeout: STATEMENT_MS,
      keepAlive: true,
      ...settings,
      max: CONNECTIONS,
    })
    // An idle connection that breaks must not end the process; the next statement reports it.
    this.#pool.on('error', () => {})
  }

  /** @throws RingfenceError `engine_unavailable`, `not_writable` */
  async query<Row extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    try {
      return (await this.#pool.query<Row>(sql, [...values])).rows
    } catch (error) {
      throw logError(error)
    }
  }

  /**
   * Runs `work` in a transaction that is on the disk when this returns, whatever the server's default
   * is. It may run again when the server broke a deadlock: it touches nothing but the transaction.
   * @throws RingfenceError `engine_unavailable`, `not_writable`
   */
  async transaction<T>(work: (client: LogClient) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(work)
      } catch (error) {
        if (!isDeadlock(error) || attempt === TRIES) throw logError(error)
      }
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #attempt<T>(work: (client: LogClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect()
    // Until it is released the connection reports its own end only here.
    client.on('error', ignore)
    let broken = false
    try {
      await client.query('begin; set local synchronous_commit = on')
      const result = await work(client)
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback').catch(() => {
        broken = true
      })
      throw error
    } finally {
      client.off('error', ignore)
      client.release(broken)
    }
  }
}

const ignore = () => {}

const isDeadlock = (error: unknown) =>
  error instanceof pg.DatabaseError && (error.code === '40P01' || error.code === '40001')

/** Disk full, read-only, no space for a file: the server is there and cannot write. */
const NOT_WRITABLE = /^(?:53100|25006|58030)$/
/** Connections, resources, shutdown, and what was given up after a time. */
const UNAVAILABLE = /^(?:08|53|57P|57014|55P03|25P03)/
const NETWORK = /^(?:ECONN|ENOENT|EPIPE|ETIMEDOUT|EHOST|ENET|EAI_)/
const LOST =
  /^(?:Connection terminated|Client has encountered a connection error|Query read timeout|timeout e|Cannot use a pool|Client was closed)/

/** What an error of the server or of the way to it is for a log store. */
export function logError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RingfenceError) return error
  const state = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const options = { detail: messageOf(error), cause: error }
  if (NOT_WRITABLE.test(state)) {
    return new RingfenceError('not_writable', "the logs' database cannot write", options)
  }
  if (UNAVAILABLE.test(state) || NETWORK.test(state) || LOST.test(error.message)) {
    return new RingfenceError('engine_unavailable', "the logs' database cannot be reached", options)
  }
  return error
}
