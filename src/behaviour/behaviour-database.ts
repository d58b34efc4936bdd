import pg from 'pg'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { migrateSteps } from '../database/migrate-steps.ts'
import { BEHAVIOUR_MIGRATIONS } from './migrations.ts'

/** Serialises preparing processes. The number is "beha" in ASCII. */
const PREPARE_LOCK = 0x62656861
const CONNECTIONS = 2
const STATEMENT_MS = 30_000

/** Of data, of constraints, of what it lets nobody do: the same again is refused again. */
const REFUSED = /^(?:22|23|42501|54000)/

/** Statements of one transaction, or of none. */
export interface BehaviourTx {
  query<Row extends pg.QueryResultRow>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<readonly Row[]>
}

/** The control database as the records plane's role sees it: schema `behaviour`, and what may be done. */
export class BehaviourDatabase implements BehaviourTx {
  readonly #pool: pg.Pool

  private constructor(settings: pg.ClientConfig) {
    this.#pool = new pg.Pool({
      ...settings,
      application_name: 'ringfence-behaviour',
      max: CONNECTIONS,
      connectionTimeoutMillis: STATEMENT_MS,
      statement_timeout: STATEMENT_MS,
    })
    // An idle connection that breaks must not end the process; the next statement reports it.
    this.#pool.on('error', () => {})
  }

  /** Opens it and brings its tables up to date. @throws RingfenceError `engine_unavailable` */
  static async open(settings: pg.ClientConfig): Promise<BehaviourDatabase> {
    const database = new BehaviourDatabase(settings)
    try {
      await database.#with(async (client) => {
        await client.query('select pg_advisory_lock($1)', [PREPARE_LOCK])
        try {
          await migrateSteps(client, 'behaviour', BEHAVIOUR_MIGRATIONS)
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

  query<Row extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    return this.#with(async (client) => (await client.query<Row>(sql, [...values])).rows)
  }

  /** All of it, or nothing. */
  transaction<T>(work: (tx: BehaviourTx) => Promise<T>): Promise<T> {
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
    let isBroken = false
    const lost = () => {
      isBroken = true
    }
    try {
      client = await this.#pool.connect()
      client.on('error', lost)
      return await work(client)
    } catch (error) {
      if (error instanceof RingfenceError) throw error
      if (error instanceof pg.DatabaseError && REFUSED.test(error.code ?? '')) {
        throw new RingfenceError('invalid_argument', 'the database refuses it', {
          detail: error.message,
          cause: error,
        })
      }
      throw new RingfenceError('engine_unavailable', 'the records database cannot be used', {
        detail: messageOf(error),
        cause: error,
      })
    } finally {
      client?.off('error', lost)
      client?.release(isBroken)
    }
  }
}
