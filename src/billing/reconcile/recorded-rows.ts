import { z } from 'zod'
import type { TenantId } from '../../core/tenant.ts'
import type { PostgresUsageReadings } from '../../metering/postgres-usage-readings.ts'
import type { Span } from '../rating/period.ts'
import type { Queries } from '../../database/pooled-database.ts'
import type { RecordedEvent, RecordedUsage } from './sides.ts'

/** What gateways send of every request. */
const REQUEST_TYPE = 'dev.ringfence.request'
const PAGE = 5_000

const rowSchema = z.object({
  key: z.string(),
  source: z.string(),
  id: z.string(),
  time: z.date(),
  received_at: z.date(),
  counts: z.boolean(),
  data: z.record(z.string(), z.unknown()),
})
type Row = z.output<typeof rowSchema>

const COLUMNS = `key::text as key, source, id, time, received_at, data,
  not voids and not exists (select from usage.amendment as a
    where a.tenant = event.tenant and a.target = event.key) as counts`

/** Usage as metering keeps it: its events, and what meters say by these alone. */
export class RecordedRows implements RecordedUsage {
  readonly #database: Pick<Queries, 'query'>
  readonly #readings: Pick<PostgresUsageReadings, 'readFromEvents'>

  /** @param database where schema `usage` is, as a role that may read it */
  constructor(
    database: Pick<Queries, 'query'>,
    readings: Pick<PostgresUsageReadings, 'readFromEvents'>,
  ) {
    this.#database = database
    this.#readings = readings
  }

  async *requests(tenant: TenantId, { from, to }: Span): AsyncIterable<RecordedEvent> {
    let last: Pick<Row, 'time' | 'key'> = { time: new Date(from.getTime() - 1), key: NO_KEY }
    for (;;) {
      const rows = await this.#database.query(
        `select ${COLUMNS} from usage.event
          where tenant = $1 and type = $2 and time >= $3 and time < $4
            and (time, key) > ($5, $6::uuid)
          order by time, key limit ${PAGE}`,
        [tenant, REQUEST_TYPE, from, to, last.time, last.key],
      )
      const page = rows.map((row) => rowSchema.parse(row))
      for (const row of page) yield eventOf(row)
      const end = page.at(-1)
      if (end === undefined || page.length < PAGE) return
      last = end
    }
  }

  async receivedSince(
    tenant: TenantId,
    { from, to }: Span,
    moment: Date,
    most: number,
  ): Promise<readonly RecordedEvent[]> {
    const rows = await this.#database.query(
      `select ${COLUMNS} from usage.event
        where tenant = $1 and time >= $2 and time < $3 and received_at >= $4
        order by received_at limit $5`,
      [tenant, from, to, moment, most],
    )
    return rows.map((row) => eventOf(rowSchema.parse(row)))
  }

  async total(
    tenant: TenantId,
    meter: string,
    where: Readonly<Record<string, string>>,
    { from, to }: Span,
  ): Promise<bigint> {
    const by = Object.keys(where)
    const asked = { tenant, meter, from, to, ...(by.length === 0 ? {} : { by }) }
    const found = await this.#readings.readFromEvents(asked)
    return found
      .filter(({ group }) => by.every((key) => group[key] === where[key]))
      .reduce((sum, { quantity }) => sum + quantity, 0n)
  }
}

const NO_KEY = '00000000-0000-0000-0000-000000000000'

function eventOf({ source, id, time, received_at, counts, data }: Row): RecordedEvent {
  const values: Record<string, bigint> = {}
  for (const [name, value] of Object.entries(data)) {
    if (typeof value === 'number' && Number.isSafeInteger(value)) values[name] = BigInt(value)
  }
  return { source, id, at: time, receivedAt: received_at, counts, values }
}
