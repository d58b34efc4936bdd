import pg from 'pg'
import { AfterCommit } from '../core/after-commit.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { IDENTITY_MIGRATIONS } from './identity-migrations.ts'

/** Serialises migrating processes. The number is "iden" in ASCII. */
const MIGRATION_LOCK = 0x6964656e
const CONNECTIONS = 8
const STATEMENT_MS = 10_000

export interface Rows {
  query<Row extends pg.QueryResultRow>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<readonly Row[]>
  /** Of a transaction: does something once it has committed, and not if it does not. */
  readonly afterCommit?: (thing: () => void) => void
}

/** The schema `identity` of the control database, as the identity plane's own role. */
export class IdentityDatabase implements Rows {
  readonly #pool: pg.Pool
  readonly #end: () => Promise<void>
  #closed: Promise<void> | undefined

  private constructor(pool: pg.Pool, end: () => Promise<void>) {
    this.#pool = pool
    this.#end = end
  }

  /** Connects and brings the schema up to date. @throws RingfenceError `engine_unavailable` */
  static async open(settings: pg.ClientConfig): Promise<IdentityDatabase> {
    const pool = new pg.Pool({
      ...settings,
      application_name: 'ringfence-identity',
      max: CONNECTIONS,
      connectionTimeoutMillis: STATEMENT_MS,
      statement_timeout: STATEMENT_MS,
    })
    // Without a listener a broken idle connection would end the process.
    pool.on('error', () => {})
    const database = new IdentityDatabase(pool, () => pool.end())
    try {
      await database.#migrate()
      return database
    } catch (error) {
      await pool.end()
      throw unavailable(error)
    }
  }

  /** The same connections for somebody else too, who does not close them. */
  shared(): IdentityDatabase {
    return new IdentityDatabase(this.#pool, () => Promise.resolve())
  }

  async query<Row extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    try {
      return (await this.#pool.query<Row>(sql, [...values])).rows
    } catch (error) {
      throw unavailable(error)
    }
  }

  /** All of `work`, or nothing. RingfenceErrors come out as they are. */
  async transaction<T>(work: (rows: Rows) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw unavailable(error)
    })
    try {
      await client.query('begin')
      const after = new AfterCommit()
      const result = await work({
        query: async (sql, values = []) => (await client.query(sql, [...values])).rows,
        afterCommit: after.add,
      })
      await client.query('commit')
      client.release()
      after.run()
      return result
    } catch (error) {
      // Closing the connection rolls back, whatever state it is in.
      client.release(true)
      throw error instanceof RingfenceError ? error : unavailable(error)
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  async #migrate(): Promise<void> {
    await this.transaction(async (rows) => {
      await rows.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
      await rows.query(`create table if not exists identity.migration
        (number int primary key, applied_at timestamptz not null default now())`)
      const applied = await rows.query<{ number: number }>('select number from identity.migration')
      const done = new Set(applied.map((row) => row.number))
      for (const [index, sql] of IDENTITY_MIGRATIONS.entries()) {
        if (done.has(index + 1)) continue
        await rows.query(sql)
        await rows.query('insert into identity.migration (number) values ($1)', [index + 1])
      }
    })
  }
}

function unavailable(error: unknown): RingfenceError {
  return new RingfenceError('engine_unavailable', 'the identity database cannot be used', {
    detail: messageOf(error),
    cause: error,
  })
}
