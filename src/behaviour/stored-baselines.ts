import { z } from 'zod'
import { parsed } from '../core/parsed.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import type { Baselines } from './baselines.ts'
import type { Queries } from '../database/pooled-database.ts'

/** Of one statement. */
const ROWS = 1_000
/** What nobody has added to for so long is forgotten. */
const KEPT_DAYS = 35
const LOADED_MAX = 40_000

const rowSchema = z.object({
  tenant: parsed(parseTenantId),
  principal: z.string(),
  signal: z.string(),
  slot: z.coerce.number(),
  count: z.coerce.number(),
  counts: z.array(z.coerce.number()),
})

/** Has what is usual outlive the process. */
export class StoredBaselines {
  readonly #database: Queries

  constructor(database: Queries) {
    this.#database = database
  }

  /** @throws RingfenceError `engine_unavailable` */
  async load(baselines: Baselines): Promise<void> {
    const rows = await this.#database.query(
      `select tenant, principal, signal, slot, count, counts from behaviour.baseline
        order by seen_at desc limit $1`,
      [LOADED_MAX],
    )
    // Those that were seen last are to be the last to go.
    for (const row of rows.toReversed()) {
      const { tenant, principal, signal, slot, count, counts } = rowSchema.parse(row)
      baselines.restore({ tenant, principal, signal }, { slot, count, values: counts })
    }
  }

  /** What has changed. @throws RingfenceError `engine_unavailable` */
  async save(baselines: Baselines): Promise<void> {
    let rows: Record<string, unknown>[] = []
    for (const { name, kept } of baselines.changed()) {
      // A list in a row of JSON is taken for PostgreSQL's own.
      rows.push({ ...name, slot: kept.slot, count: kept.count, counts: kept.values })
      if (rows.length < ROWS) continue
      await this.#save(rows)
      rows = []
    }
    if (rows.length > 0) await this.#save(rows)
  }

  async forgetOld(): Promise<void> {
    await this.#database.query(
      `delete from behaviour.baseline where seen_at < clock_timestamp() - make_interval(days => $1)`,
      [KEPT_DAYS],
    )
  }

  async forget(tenant: TenantId): Promise<void> {
    await this.#database.query('delete from behaviour.baseline where tenant = $1', [tenant])
  }

  async #save(rows: readonly object[]): Promise<void> {
    await this.#database.query(
      `insert into behaviour.baseline (tenant, principal, signal, slot, count, counts)
       select tenant, principal, signal, slot, count, counts
         from jsonb_to_recordset($1::jsonb) as row
           (tenant text, principal text, signal text, slot bigint, count bigint, counts bigint[])
       on conflict (tenant, principal, signal) do update
         set slot = excluded.slot, count = excluded.count, counts = excluded.counts,
             seen_at = clock_timestamp()`,
      [JSON.stringify(rows)],
    )
  }
}
