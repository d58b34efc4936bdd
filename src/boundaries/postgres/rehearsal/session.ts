import pg from 'pg'
import { clientConfig, type Settings, sqlState } from '../connection.ts'

/** What a statement came to. Errors of the engine are results here, not exceptions. */
export interface Answer {
  readonly rows: readonly Record<string, unknown>[]
  /** Rows affected, as the command tag says. */
  readonly count: number
  readonly error: string | undefined
  /** SQLSTATE of the error. */
  readonly code: string | undefined
}

const STATEMENT_TIMEOUT_MS = 10_000

/**
 * A connection that remembers everything that reached it (rows, messages, notices, notifications),
 * so that a proof can ask which canaries its user has seen.
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
  static async connect(settings: Settings, application = 'rehearsal'): Promise<Session> {
    const client = new pg.Client({
      ...clientConfig(settings, application),
      statement_timeout: STATEMENT_TIMEOUT_MS,
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

  /** Runs SQL: one statement with parameters, or any text (stacked statements too) without. */
  async run(sql: string, values?: readonly unknown[]): Promise<Answer> {
    try {
      const result: pg.QueryResult | pg.QueryResult[] =
        values === undefined
          ? await this.#client.query(sql)
          : await this.#client.query(sql, [...values])
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

  async close(): Promise<void> {
    this.#open = false
    await this.#client.end().catch(() => {})
  }

  #remember(item: unknown): void {
    const text =
      item instanceof Error
        ? JSON.stringify(
            Object.fromEntries(
              Object.getOwnPropertyNames(item).map((name) => [name, Reflect.get(item, name)]),
            ),
          )
        : JSON.stringify(item, (_key, value: unknown) =>
            typeof value === 'bigint'
              ? value.toString()
              : value instanceof Uint8Array
                ? decode(value)
                : value,
          )
    if (text !== undefined) this.#seen.push(text)
  }
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
