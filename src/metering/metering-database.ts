import pg from 'pg'
import { messageOf, RingfenceError } from '../core/errors.ts'

/** An advisory lock, held by whoever changes rollups until the end of the transaction. */
export const ROLL_LOCK = 0x75726f6c

const CONNECT_MS = 10_000
const STATEMENT_MS = 120_000
const CONNECTIONS = 8
const TRIES = 5

/** Classes 08 (connection), 53 (resources), 57P (shutdown): the way to the server is broken. */
const BROKEN = /^(?:08|53|57P)/
const LOST = /^(?:Connection terminated|Client has encountered|timeout e|Cannot use a pool)/
const NETWORK = /^(?:ECONN|ENOENT|EPIPE|ETIMEDOUT|EHOST|ENET|EAI_)/

/** The database that usage is kept in. Errors of the server get our codes. */
export class MeteringDatabase {
  readonly pool: pg.Pool
  #ending: Promise<void> | undefined

  constructor(settings: pg.ClientConfig) {
    this.pool = new pg.Pool({
      ...settings,
      application_name: 'ringfence-metering',
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      keepAlive: true,
      max: CONNECTIONS,
      // Days, hours and minutes are those of UTC.
      options: '-c timezone=UTC',
    })
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

  /** Runs `work` in one transaction, again when the server broke a deadlock. @throws as `query` */
  async transaction<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(work)
      } catch (error) {
        if (!isDeadlock(error) || attempt === TRIES) throw typed(error)
      }
    }
  }

  /** Any number of times. */
  async close(): Promise<void> {
    this.#ending ??= this.pool.end()
    await this.#ending
  }

  async #attempt<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = await this.pool.connect()
    let broken = false
    // Until it is released the connection reports its own end only here.
    const ignore = () => {
      broken = true
    }
    client.on('error', ignore)
    try {
      await client.query('begin')
      const result = await work(client)
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback').catch(ignore)
      throw error
    } finally {
      client.off('error', ignore)
      client.release(broken)
    }
  }
}

function isDeadlock(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === '40P01' || error.code === '40001')
}

/** True for rows that the server cannot take, however often they come. */
export function isOfTheRows(error: unknown): boolean {
  const state = error instanceof pg.DatabaseError ? (error.code ?? '') : ''
  return /^2[23]/.test(state)
}

function typed(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RingfenceError) return error
  const state = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const options = { detail: messageOf(error), cause: error }
  if (state === '57014' || state === '55P03') {
    return new RingfenceError('timed_out', 'the usage database did not answer in time', options)
  }
  if (BROKEN.test(state) || LOST.test(error.message) || NETWORK.test(state)) {
    return new RingfenceError('engine_unavailable', 'the usage database cannot be reached', options)
  }
  return error
}
