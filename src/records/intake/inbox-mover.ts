import pg from 'pg'
import { type AuditEntry, auditEntrySchema, type LogName } from '../../audit/entry.ts'
import { INBOX_CHANNEL } from '../../audit/migrations.ts'
import { messageOf } from '../../core/errors.ts'
import type { LogStore } from '../log/log-store.ts'
import { enterByLog } from './enter-by-log.ts'
import type { IntakeDatabase } from './intake-database.ts'

/** One process moves at a time. The number is "move" in ASCII. */
const MOVER_LOCK = 0x6d6f7665
const ROWS = 500
const LOOK_MS = 1_000

interface Row {
  readonly seq: string
  readonly source: string
  readonly entry: unknown
}

export interface InboxMoverOptions {
  readonly database: IntakeDatabase
  readonly logs: Pick<LogStore, 'append'>
  readonly log: (line: string) => void
  /** Milliseconds between looks without a notification. Default 1 000. */
  readonly lookMs?: number
}

/**
 * Moves entries from the inbox into their logs: appended first, and removed when that is durable. What is
 * killed in between appends again what its log knows already. It goes by the rows that are there, and
 * keeps no mark that a transaction could commit behind.
 */
export class InboxMover {
  readonly #options: InboxMoverOptions
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #wake: () => void = () => {}
  #told = false
  #closed = false
  readonly #running: Promise<void>

  private constructor(options: InboxMoverOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  static start(options: InboxMoverOptions): InboxMover {
    return new InboxMover(options)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wake()
    await this.#running
    await this.#letGo()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        const client = await this.#connected()
        this.#told = false
        if (client !== undefined) await this.#round(client)
      } catch (error) {
        this.#options.log(`the inbox is not moved: ${messageOf(error)}`)
        await this.#letGo()
      }
      if (!this.#told) await this.#pause()
    }
  }

  /** A connection that listens and holds the lock; undefined while another process does. */
  async #connected(): Promise<pg.Client | undefined> {
    if (this.#client !== undefined) return this.#client
    const client = new pg.Client(this.#options.database.settings)
    client.on('error', () => void this.#letGo())
    client.on('notification', () => {
      this.#told = true
      this.#wake()
    })
    try {
      await client.connect()
      const { rows } = await client.query<{ ours: boolean }>(
        'select pg_try_advisory_lock($1) as ours',
        [MOVER_LOCK],
      )
      if (rows[0]?.ours === true) {
        await client.query(`listen ${INBOX_CHANNEL}`)
        this.#client = client
        return client
      }
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    await client.end()
    return undefined
  }

  /** All that is there, once. What a log does not take now is passed over until the next round. */
  async #round(client: pg.Client): Promise<void> {
    const stuck = new Set<LogName>()
    for (let after = '0'; !this.#closed; ) {
      const { rows } = await client.query<Row>(
        'select seq, source, entry from audit.inbox where seq > $1 order by seq limit $2',
        [after, ROWS],
      )
      await this.#move(client, rows, stuck)
      const last = rows.at(-1)
      if (last === undefined || rows.length < ROWS) return
      after = last.seq
    }
  }

  async #move(client: pg.Client, rows: readonly Row[], stuck: Set<LogName>): Promise<void> {
    const { database, logs, log } = this.#options
    const entries = new Map<AuditEntry, string>()
    const bad: Row[] = []
    for (const row of rows) {
      const { data } = auditEntrySchema.safeParse(row.entry)
      if (data === undefined) bad.push(row)
      else entries.set(data, row.seq)
    }
    const left = new Set(
      await enterByLog(logs, [...entries.keys()], stuck, (name, error) =>
        log(`${name} takes no entries: ${messageOf(error)}`),
      ),
    )
    await database.quarantine(
      bad.map(({ source, entry }) => ({
        source,
        reason: 'not an entry',
        line: JSON.stringify(entry),
      })),
    )
    const done = [...entries].filter(([entry]) => !left.has(entry)).map(([, seq]) => seq)
    const gone = [...done, ...bad.map(({ seq }) => seq)]
    if (gone.length === 0) return
    await client.query('delete from audit.inbox where seq = any ($1::bigint[])', [gone])
  }

  #pause(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = () => resolve(undefined)
      this.#timer = setTimeout(resolve, this.#options.lookMs ?? LOOK_MS)
    }).then(() => clearTimeout(this.#timer))
  }

  async #letGo(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => {})
  }
}
