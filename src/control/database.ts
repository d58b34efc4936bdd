import pg from 'pg'
import { AfterCommit } from '../core/after-commit.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'

/** How to reach the control database as one role. Holds a secret: keep it out of logs and argv. */
export interface DatabaseSettings {
  /** A host name, an address, or the directory of a unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password?: string
  readonly database: string
  /** As `pg` takes it. Absent means no TLS. */
  readonly ssl?: boolean | object
}

/** Milliseconds. A statement of the registry takes a few; what takes longer waits for a lock. */
const CONNECT_MS = 10_000
const STATEMENT_MS = 30_000
const LOCK_MS = 10_000
const CONNECTIONS = 12
/** Tries of a transaction that the server ended to break a deadlock. */
const TRIES = 5

/** Runs statements inside one transaction. */
export interface Tx {
  query<Row extends pg.QueryResultRow>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<readonly Row[]>
  /** For what other folders write into the same transaction. */
  readonly client: pg.ClientBase
  /** Does something once the transaction has committed, and not if it does not. */
  readonly afterCommit: (thing: () => void) => void
}

/** The control database as the control plane's role sees it. Errors of the server get our codes. */
export class Database {
  readonly pool: pg.Pool
  readonly settings: pg.ClientConfig

  constructor(settings: DatabaseSettings) {
    this.settings = {
      ...settings,
      application_name: 'ringfence-control',
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      lock_timeout: LOCK_MS,
      idle_in_transaction_session_timeout: STATEMENT_MS,
      keepAlive: true,
    }
    this.pool = new pg.Pool({ ...this.settings, max: CONNECTIONS })
    // An idle connection that breaks must not end the process; the next statement reports it.
    this.pool.on('error', () => {})
  }

  /** One statement, its own transaction. @throws RingfenceError `engine_unavailable`, `timed_out` */
  async query<Row extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    try {
      return (await this.pool.query<Row>(sql, [...values])).rows
    } catch (error) {
      throw typed(error)
    }
  }

  /**
   * Runs `work` in one transaction. It may run again when the server broke a deadlock: it must touch
   * nothing but the transaction.
   */
  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(work)
      } catch (error) {
        if (!isDeadlock(error) || attempt === TRIES) throw typed(error)
      }
    }
  }

  async close(): Promise<void> {
    await this.pool.end()
  }

  async #attempt<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await this.pool.connect()
    // Until it is released the connection reports its own end only here.
    client.on('error', ignore)
    let broken = false
    try {
      await client.query('begin')
      const after = new AfterCommit()
      const result = await work({
        client,
        afterCommit: after.add,
        query: async <Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]) =>
          (await client.query<Row>(sql, values === undefined ? [] : [...values])).rows,
      })
      await client.query('commit')
      after.run()
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

/** Classes 08 (connection), 53 (resources), 57P (shutdown): the way to the server is broken. */
const BROKEN = /^(?:08|53|57P)/
const LOST =
  /^(?:Connection terminated|Client has encountered a connection error|timeout e|timeout exceeded|Cannot use a pool)/
const NETWORK = /^(?:ECONN|ENOENT|EPIPE|ETIMEDOUT|EHOST|ENET|EAI_)/

function typed(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RingfenceError) return error
  const state = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const options = { detail: messageOf(error), cause: error }
  if (state === '57014' || state === '55P03') {
    return new RingfenceError('timed_out', 'the control database did not answer in time', options)
  }
  if (BROKEN.test(state) || LOST.test(error.message) || NETWORK.test(state)) {
    return new RingfenceError(
      'engine_unavailable',
      'the control database cannot be reached',
      options,
    )
  }
  return error
}

function isDeadlock(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === '40P01' || error.code === '40001')
}

/** True when a statement broke the named unique or foreign key. */
export function breaks(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.constraint === constraint
}
