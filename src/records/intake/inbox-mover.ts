import pg from 'pg'
import { type AuditEntry, auditEntrySchema, type LogName } from '../../audit/entry.ts'
import { Alarm } from '../../core/alarm.ts'
import { messageOf } from '../../core/errors.ts'
import type { LogStore } from '../log/log-store.ts'
import { enterByLog } from './enter-by-log.ts'
import type { IntakeDatabase } from './intake-database.ts'

/** One process moves at a time. The number is "move" in ASCII. */
const MOVER_LOCK = 0x6d6f7665
const ROWS = 500
const LOOK_MS = 200
const STUCK_FACTOR_MAX = 25

interface Row {
  readonly seq: string
  readonly source: string
  readonly entry: unknown
}

export interface InboxMoverOptions {
  readonly database: IntakeDatabase
  readonly logs: Pick<LogStore, 'append'>
  readonly log: (line: string) => void
  /** Milliseconds between looks that find nothing to move. Default 200. */
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
  readonly #alarm = new Alarm()
  #closed = false
  /** What the last round could not move. */
  #stuck: ReadonlySet<LogName> = new Set()
  #roundsStuck = 0
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
    this.#alarm.ring()
    await this.#running
    await this.#letGo()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        const client = await this.#connected()
        if (client !== undefined && (await this.#round(client)) > 0 && this.#stuck.size === 0)
          continue
      } catch (error) {
        this.#options.log(`the inbox is not moved: ${messageOf(error)}`)
        await this.#letGo()
      }
      await this.#pause()
    }
  }

  /** A connection that holds the lock; undefined while another process does. */
  async #connected(): Promise<pg.Client | undefined> {
    if (this.#client !== undefined) return this.#client
    const client = new pg.Client(this.#options.database.settings)
    client.on('error', () => void this.#letGo())
    try {
      await client.connect()
      const { rows } = await client.query<{ ours: boolean }>(
        'select pg_try_advisory_lock($1) as ours',
        [MOVER_LOCK],
      )
      if (rows[0]?.ours === true) {
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

  /**
   * All that is there, once. What a log does not take now is passed over until the next round.
   * @returns how much was moved
   */
  async #round(client: pg.Client): Promise<number> {
    const stuck = new Set<LogName>()
    let moved = 0
    for (let after = '0'; !this.#closed; ) {
      const { rows } = await client.query<Row>(
        'select seq, source, entry from audit.inbox where seq > $1 order by seq limit $2',
        [after, ROWS],
      )
      moved += await this.#move(client, rows, stuck)
      const last = rows.at(-1)
      if (last === undefined || rows.length < ROWS) break
      after = last.seq
    }
    for (const name of stuck) {
      if (!this.#stuck.has(name)) this.#options.log(`${name} takes no entries now`)
    }
    this.#stuck = stuck
    this.#roundsStuck = stuck.size === 0 ? 0 : this.#roundsStuck + 1
    return moved
  }

  async #move(client: pg.Client, rows: readonly Row[], stuck: Set<LogName>): Promise<number> {
    const { database, logs } = this.#options
    const entries = new Map<AuditEntry, string>()
    const bad: Row[] = []
    for (const row of rows) {
      const { data } = auditEntrySchema.safeParse(row.entry)
      if (data === undefined) bad.push(row)
      else entries.set(data, row.seq)
    }
    const left = new Set(await enterByLog(logs, [...entries.keys()], stuck))
    await database.quarantine(
      bad.map(({ source, entry }) => ({
        source,
        reason: 'not an entry',
        line: JSON.stringify(entry),
      })),
    )
    const done = [...entries].filter(([entry]) => !left.has(entry)).map(([, seq]) => seq)
    const gone = [...done, ...bad.map(({ seq }) => seq)]
    if (gone.length > 0) {
      await client.query('delete from audit.inbox where seq = any ($1::bigint[])', [gone])
    }
    return gone.length
  }

  #pause(): Promise<void> {
    // What waits for a log that is away is looked through again less and less often.
    const longer = Math.min(2 ** this.#roundsStuck, STUCK_FACTOR_MAX)
    return this.#alarm.wait((this.#options.lookMs ?? LOOK_MS) * longer)
  }

  async #letGo(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => {})
  }
}
