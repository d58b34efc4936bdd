import type { MeteringDatabase } from './metering-database.ts'
import { DAY_MS, MINUTE_MS } from './copy-row.ts'

const LOCK = 0x75646179

/** The partitions of events, one a day, made before anything is written into them. */
export class EventDays {
  readonly #database: MeteringDatabase
  readonly #known = new Set<number>()

  constructor(database: MeteringDatabase) {
    this.#database = database
  }

  /** On return there is a partition for each of the days. Days since 1970. */
  async ensure(days: Iterable<number>): Promise<void> {
    const missing = [...new Set(days)].filter((day) => !this.#known.has(day))
    if (missing.length === 0) return
    // By itself, and not within a writer's transaction: it keeps all others waiting.
    await this.#database.transaction(async ({ client }) => {
      await client.query('select pg_advisory_xact_lock($1)', [LOCK])
      for (const day of missing) {
        const [from, to] = [dateOf(day), dateOf(day + 1)]
        await client.query(`create table if not exists usage.event_${from.replaceAll('-', '')}
          partition of usage.event for values from ('${from}') to ('${to}')`)
      }
    })
    for (const day of missing) this.#known.add(day)
  }

  /**
   * Lets go of events before a time, a day at a time, and later of their names: those are kept for
   * `keysMs` longer, so that what comes again is still known.
   * @returns how many days went
   */
  async forget(before: Date, keysMs: number): Promise<number> {
    const day = Math.floor(before.getTime() / DAY_MS)
    const last = `event_${dateOf(day).replaceAll('-', '')}`
    const old = await this.#database.query<{ name: string }>(
      `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'usage.event'::regclass and c.relname < $1 order by 1`,
      [last],
    )
    for (const { name } of old) await this.#database.query(`drop table usage.${name}`)
    this.#known.clear()
    const keysBefore = new Date(before.getTime() - keysMs)
    const minute = Math.floor(keysBefore.getTime() / MINUTE_MS)
    await this.#database.query('delete from usage.event_key where minute < $1', [minute])
    await this.#database.query('delete from usage.amendment where time < $1', [keysBefore])
    await this.#database.query('delete from usage.conflict where received_at < $1', [keysBefore])
    return old.length
  }
}

const dateOf = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10)
