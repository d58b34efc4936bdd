import pg from 'pg'
import { AfterCommit } from '../core/after-commit.ts'
import { type ErrorsOf, isDeadlock } from './server-errors.ts'

/** How to reach a database as one role. Holds a secret: keep it out of logs and argv. */
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

/** How one part uses its database. Times are in milliseconds. */
export interface DatabaseUse {
  /** What the server's own views call the sessions. */
  readonly applicationName: string
  readonly connections: number
  /** Until a connection is given, by the server or by the pool. */
  readonly connectMs: number
  readonly statementMs: number
  /** Waiting for one lock. Default: as long as the statement. */
  readonly lockMs?: number
  /** A transaction in which nothing happens. Default: the server's. */
  readonly idleMs?: number
  /** Parameters that a session starts with, as the server's command line has them: `-c timezone=UTC`. */
  readonly parameters?: string
  /** What a transaction begins with. Default `begin`. */
  readonly begin?: string
  /** How often a transaction runs at the most while the server ends it to break a deadlock. Default 1. */
  readonly tries?: number
  readonly errorsOf: ErrorsOf
}

/** Statements of one transaction, or of none. */
export interface Queries {
  query<Row extends pg.QueryResultRow>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<readonly Row[]>
}

/** Statements of one transaction. Nothing reaches the server by `query` once it has ended. */
export interface Tx extends Queries {
  /** For what other folders write into the same transaction. */
  readonly client: pg.ClientBase
  /** Does something once the transaction has committed, and not if it does not. */
  readonly afterCommit: (thing: () => void) => void
}

/** A pool of connections to one database, whose errors get the codes that its part gives them. */
export class PooledDatabase implements Queries {
  readonly pool: pg.Pool
  /** With the use's times: for a connection of one's own. */
  readonly settings: pg.ClientConfig
  readonly #use: DatabaseUse
  #ending: Promise<void> | undefined

  constructor(settings: pg.ClientConfig, use: DatabaseUse) {
    this.#use = use
    this.settings = {
      ...settings,
      application_name: use.applicationName,
      connectionTimeoutMillis: use.connectMs,
      statement_timeout: use.statementMs,
      ...(use.lockMs !== undefined && { lock_timeout: use.lockMs }),
      ...(use.idleMs !== undefined && { idle_in_transaction_session_timeout: use.idleMs }),
      ...(use.parameters !== undefined && { options: use.parameters }),
      keepAlive: true,
    }
    this.pool = new pg.Pool({ ...this.settings, max: use.connections })
    // An idle connection that breaks must not end the process; the next statement reports it.
    this.pool.on('error', () => {})
    // Nor one that breaks in the moment in which it is handed over, when nobody listens to it yet.
    this.pool.on('connect', (client) => client.on('error', () => {}))
  }

  /** One statement, its own transaction. @throws what the use makes of errors */
  async query<Row extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    try {
      return (await this.pool.query<Row>(sql, [...values])).rows
    } catch (error) {
      throw this.#use.errorsOf(error)
    }
  }

  /**
   * All of `work`, or nothing. Where the use allows several tries it may run again: it must touch
   * nothing but the transaction.
   * @throws what the use makes of errors, those of `work` among them
   */
  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(work)
      } catch (error) {
        if (!isDeadlock(error) || attempt >= (this.#use.tries ?? 1)) throw this.#use.errorsOf(error)
      }
    }
  }

  /** Any number of times. */
  async close(): Promise<void> {
    this.#ending ??= this.pool.end()
    await this.#ending
  }

  async #attempt<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await this.pool.connect()
    let isBroken = false
    // Until it is released the connection reports its own end only here.
    const broken = () => {
      isBroken = true
    }
    client.on('error', broken)
    const after = new AfterCommit()
    const statements = new Statements(client)
    try {
      await client.query(this.#use.begin ?? 'begin')
      const result = await work({
        client,
        query: (sql, values) => statements.query(sql, values),
        afterCommit: after.add,
      })
      statements.end()
      await client.query('commit')
      after.run()
      return result
    } catch (error) {
      statements.end()
      await client.query('rollback').catch(broken)
      throw error
    } finally {
      client.off('error', broken)
      client.release(isBroken)
    }
  }
}

/** A transaction's, until it ends: its connection is somebody else's then. */
class Statements implements Queries {
  readonly #client: pg.ClientBase
  #hasEnded = false

  constructor(client: pg.ClientBase) {
    this.#client = client
  }

  async query<Row extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    if (this.#hasEnded) throw new Error('the transaction of this statement has ended')
    return (await this.#client.query<Row>(sql, [...values])).rows
  }

  end(): void {
    this.#hasEnded = true
  }
}
