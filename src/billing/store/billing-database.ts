import pg from 'pg'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { migrateSteps } from '../../database/migrate-steps.ts'
import { BILLING_MIGRATIONS } from './migrations.ts'

/** How to reach the database as the records plane's role. Holds a secret. */
export interface BillingDatabaseSettings {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password?: string
  readonly database: string
  /** As `pg` takes it. Absent means no TLS. */
  readonly ssl?: boolean | object
}

const CONNECT_MS = 10_000
const STATEMENT_MS = 30_000
const CONNECTIONS = 6
/** Serialises preparing processes. The number is "bill" in ASCII. */
const PREPARE_LOCK = 0x62696c6c

/** Statements of one transaction, or of none. */
export interface BillingTx {
  query<Row extends pg.QueryResultRow>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<readonly Row[]>
}

/** The schema `billing`, as the records plane's role sees it. Errors of the server get our codes. */
export class BillingDatabase implements BillingTx {
  readonly #pool: pg.Pool

  private constructor(settings: BillingDatabaseSettings) {
    this.#pool = new pg.Pool({
      ...settings,
      application_name: 'ringfence-billing',
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      lock_timeout: STATEMENT_MS,
      keepAlive: true,
      max: CONNECTIONS,
    })
    // An idle connection that breaks must not end the process; the next statement reports it.
    this.#pool.on('error', () => {})
  }

  /** Opens it and brings its tables up to date. @throws RingfenceError `engine_unavailable` */
  static async open(settings: BillingDatabaseSettings): Promise<BillingDatabase> {
    const database = new BillingDatabase(settings)
    try {
      await database.#with(async (client) => {
        await client.query('select pg_advisory_lock($1)', [PREPARE_LOCK])
        try {
          await migrateSteps(client, 'billing', BILLING_MIGRATIONS)
        } finally {
          await client.query('select pg_advisory_unlock($1)', [PREPARE_LOCK])
        }
      })
      return database
    } catch (error) {
      await database.close()
      throw error
    }
  }

  async query<Row extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    try {
      return (await this.#pool.query<Row>(sql, [...values])).rows
    } catch (error) {
      throw typed(error)
    }
  }

  /** All of it, or nothing. */
  transaction<T>(work: (tx: BillingTx) => Promise<T>): Promise<T> {
    return this.#with(async (client) => {
      await client.query('begin')
      try {
        const result = await work({
          query: async <Row extends pg.QueryResultRow>(
            sql: string,
            values: readonly unknown[] = [],
          ) => (await client.query<Row>(sql, [...values])).rows,
        })
        await client.query('commit')
        return result
      } catch (error) {
        await client.query('rollback').catch(() => {})
        throw error
      }
    })
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #with<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient | undefined
    let broken = false
    const lost = () => {
      broken = true
    }
    try {
      client = await this.#pool.connect()
      client.on('error', lost)
      return await work(client)
    } catch (error) {
      throw typed(error)
    } finally {
      client?.off('error', lost)
      client?.release(broken)
    }
  }
}

/** Classes 08 (connection), 53 (resources), 57P (shutdown), and what the network says itself. */
const BROKEN = /^(?:08|53|57P|ECONN|ENOENT|EPIPE|ETIMEDOUT|EHOST|ENET|EAI_)/
const LOST = /^(?:Connection terminated|Client has encountered|timeout e|Cannot use a pool)/

function typed(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RingfenceError) return error
  const state = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const options = { detail: messageOf(error), cause: error }
  if (state === '57014' || state === '55P03') {
    return new RingfenceError('timed_out', 'the bills’ database did not answer in time', options)
  }
  if (BROKEN.test(state) || LOST.test(error.message)) {
    return new RingfenceError('engine_unavailable', 'the bills’ database is out of reach', options)
  }
  return error
}

/** True when a statement broke the named constraint. */
export function breaks(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.constraint === constraint
}
