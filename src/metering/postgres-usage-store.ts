import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import type { Fate, ReceivedEvent, UsageStore } from '../usage/usage-store.ts'
import { type CopyRow, copyRow } from './copy-row.ts'
import { EventDays } from './event-days.ts'
import { isOfTheRows, type MeteringDatabase } from './metering-database.ts'
import { keepConflicts, writeBatch } from './write-batch.ts'

const BATCH_EVENTS = 5_000
const WAITING_MAX = 50_000
/** While one writes, the next can be made ready. */
const WRITERS = 2
/** Batches that ask for names before they write them, after one that brought what was there already. */
const ASKING = 10
const ROOT = /^\/[^/]+\/[^/]+/
const ROOTS_REMEMBERED = 100_000

interface Waiting {
  readonly rows: readonly CopyRow[]
  readonly resolve: (fates: readonly Fate[]) => void
  readonly reject: (error: unknown) => void
}

/** Keeps usage events in PostgreSQL. What comes while others are being written shares the next write. */
export class PostgresUsageStore implements UsageStore {
  readonly #database: MeteringDatabase
  readonly days: EventDays
  readonly #onWritten: () => void
  #waiting: Waiting[] = []
  #events = 0
  #writers = 0
  /** Batches that are still to ask first: who brings again what is there brings more of it. */
  #asking = 0
  /** Of tenant and source: the database knows their roots already. */
  readonly #roots = new Map<TenantId, Set<string>>()
  #rootCount = 0

  readonly #waitingMax: number

  /**
   * @param onWritten called after each write that brought something new
   * @param waitingMax events that may wait; more are refused
   */
  constructor(database: MeteringDatabase, onWritten: () => void, waitingMax = WAITING_MAX) {
    this.#database = database
    this.#waitingMax = waitingMax
    this.days = new EventDays(database)
    this.#onWritten = onWritten
  }

  add(events: readonly ReceivedEvent[]): Promise<readonly Fate[]> {
    if (events.length === 0) return Promise.resolve([])
    if (this.#events + events.length > this.#waitingMax) {
      return Promise.reject(new RingfenceError('overloaded', 'too many events wait to be written'))
    }
    const rows = events.map(copyRow)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ rows, resolve, reject })
      this.#events += events.length
      if (this.#writers < WRITERS) void this.#write()
    })
  }

  async completeTo(sender: string, time: Date): Promise<void> {
    // Planes' journals go without what the sources of their events begin with.
    const name = sender.startsWith('/') ? sender : `/ringfence/${sender}`
    await this.#database.query(
      `insert into usage.sender (sender, root, complete_to, heard_at)
        values ($1, $2, $3, clock_timestamp())
        on conflict (sender) do update set heard_at = excluded.heard_at,
          complete_to = greatest(usage.sender.complete_to, excluded.complete_to)`,
      [name, ROOT.exec(name)?.[0] ?? name, time],
    )
  }

  async #write(): Promise<void> {
    this.#writers += 1
    // Lets everything that is ready now come into one batch.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const group = this.#take()
      try {
        const fates = await this.#together(group)
        for (const [index, { resolve }] of group.entries()) resolve(fates[index] ?? [])
      } catch (error) {
        if (group.length > 1 && isOfTheRows(error)) await this.#apart(group)
        else for (const { reject } of group) reject(error)
      }
    }
    this.#writers -= 1
  }

  #take(): Waiting[] {
    let events = 0
    const group: Waiting[] = []
    for (const one of this.#waiting) {
      if (group.length > 0 && events + one.rows.length > BATCH_EVENTS) break
      group.push(one)
      events += one.rows.length
    }
    this.#waiting = this.#waiting.slice(group.length)
    this.#events -= events
    return group
  }

  /** One of them cannot be written: the others shall not suffer for it. */
  async #apart(group: readonly Waiting[]): Promise<void> {
    for (const one of group) {
      await this.#together([one]).then(([fates = []]) => one.resolve(fates), one.reject)
    }
  }

  async #together(group: readonly Waiting[]): Promise<readonly (readonly Fate[])[]> {
    const all = group.flatMap(({ rows }) => rows)
    const firsts = new Map<string, CopyRow>()
    for (const row of all) if (!firsts.has(row.key)) firsts.set(row.key, row)
    const rows = [...firsts.values()]
    await this.days.ensure(rows.map(({ day }) => day))
    await this.#enterRoots(rows)
    const asksFirst = this.#asking > 0
    // What stood under names that were taken.
    const standing = await this.#database.transaction(async ({ client }) => {
      const known = new Map<string, string>()
      for (const { key, content } of await writeBatch(client, rows, asksFirst)) {
        known.set(key, content)
      }
      if (known.size > 0 || rows.length < all.length) {
        const contentOf = ({ key }: CopyRow) => known.get(key) ?? firsts.get(key)?.content
        await keepConflicts(
          client,
          all.filter((row) => contentOf(row) !== row.content),
        )
      }
      return known
    })
    this.#asking = standing.size > 0 ? ASKING : Math.max(0, this.#asking - 1)
    if (standing.size < rows.length) this.#onWritten()
    if (standing.size === 0 && rows.length === all.length) {
      return group.map((one) => one.rows.map(() => 'accepted'))
    }
    const fateOf = (row: CopyRow): Fate => {
      const first = firsts.get(row.key)
      const stood = standing.get(row.key)
      if (stood === undefined && first === row) return 'accepted'
      return (stood ?? first?.content) === row.content ? 'duplicate' : 'conflict'
    }
    return group.map((one) => one.rows.map(fateOf))
  }

  /** Whose words the tenants' watermarks wait for. */
  async #enterRoots(rows: readonly CopyRow[]): Promise<void> {
    const missing = new Map<string, { tenant: TenantId; source: string }>()
    for (const { received } of rows) {
      const { tenantid: tenant, source } = received.event
      if (this.#roots.get(tenant)?.has(source) === true) continue
      missing.set(`${tenant} ${source}`, { tenant, source })
    }
    if (missing.size === 0) return
    const entries = [...missing.values()]
    await this.#database.query(
      `insert into usage.tenant_root (tenant, root) select * from unnest($1::text[], $2::text[])
        on conflict do nothing`,
      [
        entries.map(({ tenant }) => tenant),
        entries.map(({ source }) => ROOT.exec(source)?.[0] ?? source),
      ],
    )
    if (this.#rootCount > ROOTS_REMEMBERED) {
      this.#roots.clear()
      this.#rootCount = 0
    }
    for (const { tenant, source } of entries) {
      const own = this.#roots.get(tenant)
      if (own === undefined) this.#roots.set(tenant, new Set([source]))
      else own.add(source)
    }
    this.#rootCount += entries.length
  }
}
