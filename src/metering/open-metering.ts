import type { Hono } from 'hono'
import type pg from 'pg'
import type { MeterConfig } from '../contracts/meter.ts'
import { messageOf } from '../core/errors.ts'
import { migrateSteps } from '../database/migrate-steps.ts'
import type { TenantId } from '../core/tenant.ts'
import type { UsageEvent, UsageSink } from '../usage/usage-event.ts'
import { usageIntake, type UsageIntakeOptions } from '../usage/usage-intake.ts'
import type { UsageStore } from '../usage/usage-store.ts'
import { eraseUsage } from './erase-usage.ts'
import { consumeAlone } from './jetstream/consume-alone.ts'
import type { UsageStreamSettings } from './jetstream/usage-stream-settings.ts'
import { keepMeters, keptMeters, markAll } from './kept-meters.ts'
import { METERING_MIGRATIONS } from './metering-migrations.ts'
import { MeteringDatabase, ROLL_LOCK } from './metering-database.ts'
import { PostgresUsageReadings } from './postgres-usage-readings.ts'
import { PostgresUsageStore } from './postgres-usage-store.ts'
import { Roller } from './roller.ts'

const BEAT_MS = 1_000
/** Of its time a database spends at most a fifth on rollups: the minute that is now is measured again and again. */
const PAUSE_FACTOR = 4
const MIGRATE_LOCK = 0x75736167

export interface MeteringOptions {
  /** Where usage is kept: schema `usage`. Its role makes tables there, and temporary ones. */
  readonly database: pg.ClientConfig
  /** For whom it is taken over HTTP. Absent: for nobody; `store` takes what others bring. */
  readonly intake?: Omit<UsageIntakeOptions, 'store'>
  /** A JetStream stream that events pass on their way to the database. Default: none. */
  readonly stream?: UsageStreamSettings
  readonly log: (line: string) => void
  /** Milliseconds between looks at what is to be rolled up. Default 1 000. */
  readonly beatMs?: number
  /** Events that may wait to be written; more are told to come again. Default 50 000. */
  readonly waitingMax?: number
}

export interface Metering {
  /** To be mounted where services and planes reach it; undefined without `intake`. */
  readonly app: Hono | undefined
  readonly store: UsageStore
  readonly readings: PostgresUsageReadings
  /** For what comes from a journal, of whose writer the caller has made sure. */
  sinkOf(reporter: string): UsageSink
  /** The meters of a configuration and its version. New and changed ones are measured from all events. */
  setMeters(meters: readonly MeterConfig[], version: number): Promise<void>
  /** On return rollups say what the events say that were there when it was called. */
  settled(): Promise<void>
  /** Has everything measured anew from the events. `settled` waits for it. */
  rebuild(): Promise<void>
  /** Lets go of events before a time, and of their names `keysMs` later. @returns days that went */
  forget(before: Date, keysMs: number): Promise<number>
  /** Everything of one tenant, for good. */
  erase(tenant: TenantId): Promise<void>
  close(): Promise<void>
}

/** @throws RingfenceError `engine_unavailable` */
export async function openMetering(options: MeteringOptions): Promise<Metering> {
  const { intake, log } = options
  const database = new MeteringDatabase(options.database)
  try {
    await migrateUsage(database)
  } catch (error) {
    await database.close()
    throw error
  }
  const rolling = new Rolling(new Roller(database), log, options.beatMs ?? BEAT_MS)
  const kept = new PostgresUsageStore(database, () => rolling.wake(), options.waitingMax)
  const streamed = await streamedStore(options, kept, database)
  const store = streamed ?? kept
  let meters: ReadonlyMap<string, MeterConfig> = new Map()
  const readMeters = async () => {
    const known = await database.transaction(({ client }) => keptMeters(client))
    meters = new Map(known.map((meter) => [meter.name, meter]))
  }
  await readMeters()
  rolling.wake()
  return {
    app: intake && usageIntake({ ...intake, store }),
    store,
    readings: new PostgresUsageReadings(database, (name) => meters.get(name)),
    sinkOf: (reporter) => ({
      async write(events: readonly UsageEvent[]) {
        await store.add(events.map((event) => ({ event, reporter })))
      },
    }),
    async setMeters(wanted, version) {
      await keepMeters(database, wanted, version)
      await readMeters()
      rolling.wake()
    },
    settled: () => rolling.settled(),
    async rebuild() {
      await database.transaction(async ({ client }) => {
        await client.query('select pg_advisory_xact_lock($1)', [ROLL_LOCK])
        await client.query('delete from usage.rollup')
        await client.query('delete from usage.member')
        await markAll(client)
      })
      rolling.wake()
    },
    forget: (before, keysMs) => kept.days.forget(before, keysMs),
    erase: (tenant) => eraseUsage(database, tenant),
    async close() {
      await streamed?.close()
      await rolling.close()
      await database.close()
    },
  }
}

/** The clients of NATS are loaded where there is a stream, and nowhere else. */
async function streamedStore(
  { stream: settings, log }: MeteringOptions,
  store: UsageStore,
  database: MeteringDatabase,
): Promise<(UsageStore & { close(): Promise<void> }) | undefined> {
  if (settings === undefined) return undefined
  try {
    const { StreamedUsageStore } = await import('./jetstream/streamed-usage-store.ts')
    const alone = consumeAlone(database)
    return await StreamedUsageStore.open({ settings, store, alone, log })
  } catch (error) {
    await database.close()
    throw error
  }
}

async function migrateUsage(database: MeteringDatabase): Promise<void> {
  const client = await database.pool.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATE_LOCK])
    await migrateSteps(client, 'usage', METERING_MIGRATIONS)
  } finally {
    // With its connection goes the lock.
    client.release(true)
  }
}

/** Rolls up by itself, after each write, and never more than its share of the time. */
class Rolling {
  readonly #roller: Roller
  readonly #log: (line: string) => void
  readonly #beatMs: number
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #closed = false

  constructor(roller: Roller, log: (line: string) => void, beatMs: number) {
    this.#roller = roller
    this.#log = log
    this.#beatMs = beatMs
  }

  wake(): void {
    if (this.#closed || this.#timer !== undefined) return
    this.#plan(this.#beatMs)
  }

  async settled(): Promise<void> {
    // Another process may be at it: nothing is left when a round of our own finds nothing.
    for (let minutes = await this.#roller.round(); minutes !== 0; ) {
      if (minutes === undefined) await new Promise((resolve) => setTimeout(resolve, 10))
      minutes = await this.#roller.round()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #plan(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#round()
    }, ms).unref()
  }

  async #round(): Promise<void> {
    const began = performance.now()
    let more = true
    try {
      more = (await this.#roller.round()) !== 0
    } catch (error) {
      this.#log(`usage is not rolled up: ${messageOf(error)}`)
    }
    this.#timer = undefined
    const spentMs = performance.now() - began
    if (more && !this.#closed) this.#plan(Math.max(this.#beatMs, spentMs * PAUSE_FACTOR))
  }
}
