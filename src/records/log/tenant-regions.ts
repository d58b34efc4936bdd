import { messageOf } from '../../core/errors.ts'
import { prepareSchema } from '../../database/prepare-schema.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Configuration, ConfigurationSource } from '../../snapshot/snapshot.ts'
import { LogDatabase, logError, type LogDatabaseSettings } from './log-database.ts'
import { REGION_MIGRATIONS } from './region-migrations.ts'

/** Serialises preparing processes. The number is "regn" in ASCII. */
const PREPARE_LOCK = 0x7265676e
const AGAIN_MS = 1_000

export interface TenantRegionsOptions {
  /** The control database, as `rf_records`. */
  readonly database: LogDatabaseSettings
  readonly source: ConfigurationSource
  readonly log: (line: string) => void
}

/**
 * The region of each tenant that was ever in the configuration. A tenant that is not in it yet has none:
 * what is told of it waits. One that is not in it any more keeps its own.
 */
export class TenantRegions {
  readonly #database: LogDatabase
  readonly #log: (line: string) => void
  /** As they are entered: nothing is written anywhere by a region that is not. */
  readonly #entered = new Map<TenantId, string>()
  /** Tenants whose configuration says another region than the one that their log is in. */
  readonly #elsewhere = new Set<TenantId>()
  #running = Promise.resolve()
  #isClosed = false
  #again: NodeJS.Timeout | undefined

  private constructor(database: LogDatabase, log: (line: string) => void) {
    this.#database = database
    this.#log = log
  }

  /** @throws RingfenceError `engine_unavailable`, `not_writable` */
  static async open({ database, source, log }: TenantRegionsOptions): Promise<TenantRegions> {
    await prepare(database)
    const regions = new TenantRegions(new LogDatabase(database), log)
    try {
      await regions.#load()
    } catch (error) {
      await regions.close()
      throw error
    }
    source.onChange((changed, now) => regions.#follow(now, changed))
    try {
      regions.#follow(source.current())
    } catch {
      // At a first start there is none yet: the first one is a change.
    }
    return regions
  }

  /** Undefined while nobody knows it, and for a tenant whose id was another's in another region. */
  of(tenant: TenantId): string | undefined {
    return this.#elsewhere.has(tenant) ? undefined : this.#entered.get(tenant)
  }

  /** Until what was seen is entered. */
  async settled(): Promise<void> {
    await this.#running
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#again)
    await this.#running
    await this.#database.close()
  }

  #follow(now: Configuration, changed?: readonly TenantId[]): void {
    this.#running = this.#running.then(async () => {
      if (this.#isClosed) return
      const tenants = changed ?? [...now.tenants()].map(({ id }) => id)
      try {
        await this.#enter(now, tenants)
      } catch (error) {
        this.#log(`regions of tenants: ${messageOf(error)}`)
        this.#again = setTimeout(() => this.#follow(now, tenants), AGAIN_MS).unref()
      }
    })
  }

  async #enter(now: Configuration, tenants: readonly TenantId[]): Promise<void> {
    const seen = tenants.flatMap((id) => now.tenant(id) ?? [])
    const fresh = seen.filter(({ id }) => !this.#entered.has(id))
    if (fresh.length > 0) {
      await this.#database.query(
        `insert into records.tenant_region (tenant, region)
         select * from unnest($1::text[], $2::text[]) on conflict do nothing`,
        [fresh.map(({ id }) => id), fresh.map(({ region }) => region)],
      )
      // Another process may have been first, with another word.
      await this.#load()
    }
    for (const { id, region } of seen) {
      const entered = this.#entered.get(id)
      if (entered === region) this.#elsewhere.delete(id)
      else if (!this.#elsewhere.has(id)) {
        this.#elsewhere.add(id)
        this.#log(`tenant ${id} is in ${region} and its log in ${entered}: its entries wait`)
      }
    }
  }

  async #load(): Promise<void> {
    const rows = await this.#database.query<{ readonly tenant: TenantId; readonly region: string }>(
      'select tenant, region from records.tenant_region',
    )
    for (const { tenant, region } of rows) this.#entered.set(tenant, region)
  }
}

function prepare(settings: LogDatabaseSettings): Promise<void> {
  const tables = {
    schema: 'records',
    table: 'region_migration',
    steps: REGION_MIGRATIONS,
    lock: PREPARE_LOCK,
  }
  return prepareSchema(settings, tables, logError)
}
