import pg from 'pg'
import { clientConfig, type Settings, sqlState } from '../connection.ts'
import { RecordingQuery } from './recording-query.ts'

/** What a statement came to. Errors of the engine are results here, not exceptions. */
export interface Answer {
  readonly rows: readonly Record<string, unknown>[]
  /** Rows affected, as the command tag says. */
  readonly count: number
  readonly error: string | undefined
  /** SQLSTATE of the error. */
  readonly code: string | undefined
}

/** What a client may ask for in its first message, besides a user and a database. */
export interface Startup {
  /** Settings as on the server's command line: `-c role=…`. */
  readonly options?: string
  /** `database` or `true`: a connection that speaks the replication protocol. */
  readonly replication?: string
}

const STATEMENT_TIMEOUT_MS = 10_000

/**
 * A connection that remembers everything that reached it (rows, copied data, messages, notices,
 * notifications), so that a proof can ask which canaries its user has seen.
 */
export class Session {
  readonly #client: pg.Client
  readonly #seen: string[] = []
  #open = true

  private constructor(client: pg.Client) {
    this.#client = client
    client.on('notice', (notice) => this.#remember(notice))
    client.on('notification', (message) => this.#remember(message))
    client.on('error', (error) => {
      this.#open = false
      this.#remember(error)
    })
    client.on('end', () => {
      this.#open = false
    })
  }

  /** @throws whatever the server answers to the connection attempt. */
  static async connect(settings: Settings, startup: Startup = {}): Promise<Session> {
    const client = new pg.Client({
      ...clientConfig(settings, 'rehearsal'),
      statement_timeout: STATEMENT_TIMEOUT_MS,
      ...startup,
    })
    const session = new Session(client)
    try {
      await client.connect()
    } catch (error) {
      session.#remember(error)
      await client.end().catch(() => {})
      throw error
    }
    return session
  }

  /** False once the server has ended the connection. */
  get isOpen(): boolean {
    return this.#open
  }

  /** What the server gave this client alone, to cancel its statements with. */
  get cancelKey(): { readonly pid: number; readonly secret: number } {
    const number = (name: string) => Number(Reflect.get(this.#client, name))
    return { pid: number('processID'), secret: number('secretKey') }
  }

  /**
   * Runs SQL: one statement with parameters, or any text (stacked statements too) without. `input`
   * is what COPY … FROM STDIN gets.
   */
  async run(sql: string, values?: readonly unknown[], input = ''): Promise<Answer> {
    try {
      const result = await (values === undefined
        ? this.#simple(sql, input)
        : this.#client.query(sql, [...values]))
      const results = Array.isArray(result) ? result : [result]
      const rows = results.flatMap((one) => one.rows ?? [])
      this.#remember(rows)
      const count = results.reduce((sum, one) => sum + (one.rowCount ?? 0), 0)
      return { rows, count, error: undefined, code: undefined }
    } catch (error) {
      this.#remember(error)
      const message = error instanceof Error ? error.message : String(error)
      return { rows: [], count: 0, error: message, code: sqlState(error) ?? 'unknown' }
    }
  }

  /** The first column of the first row, as text; undefined when there is none or on an error. */
  async value(sql: string, values?: readonly unknown[]): Promise<string | undefined> {
    const { rows } = await this.run(sql, values)
    const value = Object.values(rows[0] ?? {})[0]
    if (value === undefined || value === null) return undefined
    return typeof value === 'string' ? value : JSON.stringify(value)
  }

  /** Whether `text` occurs in anything that reached this connection. */
  hasSeen(text: string): boolean {
    return this.#seen.some((item) => item.includes(text))
  }

  /** Forgets what it saw and what its user set, prepared or listens to. False when that failed. */
  async reset(): Promise<boolean> {
    const { error } = await this.run('discard all')
    this.#seen.length = 0
    return error === undefined && this.#open
  }

  async close(): Promise<void> {
    this.#open = false
    await this.#client.end().catch(() => {})
  }

  #simple(sql: string, input: string): Promise<pg.QueryResult | pg.QueryResult[]> {
    return new Promise((resolve, reject) => {
      const query = new RecordingQuery(
        sql,
        input,
        (chunk) => this.#seen.push(decode(chunk)),
        (error, result) => {
          // node-postgres types the result of a simple query as one, and gives several for several.
          if (error) reject(error)
          else resolve(result as pg.QueryResult | pg.QueryResult[])
        },
      )
      this.#client.query(query)
    })
  }

  #remember(item: unknown): void {
    const text = item instanceof Error ? describe(item) : JSON.stringify(item, readable)
    if (text !== undefined) this.#seen.push(text)
  }
}

/** An error with all that the server said in it. */
function describe(error: Error): string {
  const names = Object.getOwnPropertyNames(error)
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, Reflect.get(error, name)])))
}

/** A replacer for JSON.stringify. `this` holds the value as it was before a Buffer's own toJSON. */
function readable(this: unknown, key: string, value: unknown): unknown {
  const raw: unknown = typeof this === 'object' && this !== null ? Reflect.get(this, key) : value
  if (raw instanceof Uint8Array) return decode(raw)
  return typeof value === 'bigint' ? value.toString() : value
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
