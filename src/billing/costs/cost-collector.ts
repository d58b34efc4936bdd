import { messageOf } from '../../core/errors.ts'
import type { Queries } from '../../database/pooled-database.ts'
import type { BillingDatabase } from '../store/billing-database.ts'
import type { CostSample, CostSource } from './cost-source.ts'

const HOUR_MS = 3_600_000n

interface Mark {
  readonly value: string
  readonly epoch: string
  readonly at: Date
}

export interface CostCollectorParts {
  readonly database: BillingDatabase
  readonly sources: readonly CostSource[]
  readonly now: () => Date
  readonly log: (line: string) => void
}

/** Reads what tenants cost, and adds it to the day of the reading. */
export class CostCollector {
  readonly #parts: CostCollectorParts

  constructor(parts: CostCollectorParts) {
    this.#parts = parts
  }

  /** One reading of each source. One that cannot be read is left out: its counters are read the next time. */
  async collect(): Promise<void> {
    for (const source of this.#parts.sources) {
      try {
        const samples = await source.sample()
        const at = this.#parts.now()
        await this.#parts.database.transaction(async (tx) => {
          for (const sample of samples) await enter(tx, source.name, sample, at)
        })
      } catch (error) {
        this.#parts.log(`costs of ${source.name}: ${messageOf(error)}`)
      }
    }
  }
}

/** The mark moves in the transaction that counts what came since: nothing is counted twice. */
async function enter(tx: Queries, source: string, sample: CostSample, at: Date): Promise<void> {
  const { tenant, kind, value, epoch } = sample
  await tx.query('insert into billing.tenant (id) values ($1) on conflict do nothing', [tenant])
  const key = [tenant, source, kind]
  const [mark] = await tx.query<Mark>(
    `select value::text as value, epoch, at from billing.cost_mark
      where tenant = $1 and source = $2 and kind = $3 for update`,
    key,
  )
  if (mark !== undefined && mark.at >= at) return
  const quantity = mark === undefined ? 0n : since(mark, sample, at)
  if (quantity > 0n) {
    await tx.query(
      `insert into billing.cost (tenant, source, kind, day, quantity) values ($1, $2, $3, $4, $5)
       on conflict (tenant, day, kind, source) do update
         set quantity = billing.cost.quantity + excluded.quantity`,
      [...key, at.toISOString().slice(0, 10), quantity.toString()],
    )
  }
  await tx.query(
    `insert into billing.cost_mark (tenant, source, kind, value, epoch, at)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (tenant, source, kind) do update
       set value = excluded.value, epoch = excluded.epoch, at = excluded.at`,
    [...key, value.toString(), epoch, at],
  )
}

/** What came between two readings. The first of all says only from where to count. */
function since(mark: Mark, { form, value, epoch }: CostSample, at: Date): bigint {
  const before = BigInt(mark.value)
  // One that has fallen without beginning anew has forgotten something: nothing is known to have come.
  if (form === 'counter') return epoch === mark.epoch ? value - before : value
  const ms = BigInt(at.getTime() - mark.at.getTime())
  return ((before + value) * ms) / (2n * HOUR_MS)
}
