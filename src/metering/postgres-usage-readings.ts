import type pg from 'pg'
import type { MeterConfig } from '../contracts/meter.ts'
import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { coverOf, type Piece } from './cover.ts'
import { measureStatement, membersStatement, OF_ROLLUPS } from './measure.ts'
import type { MeteringDatabase } from './metering-database.ts'
import type { Micros, Reading, ReadingsAsked, UsageReadings } from './usage-readings.ts'

/** A sender that was not heard for so long is not waited for any more. Milliseconds. */
const SILENT_MS = 24 * 3_600_000

interface Row extends pg.QueryResultRow {
  readonly start: Date
  /** A JSON array of the values of all groups. */
  readonly grp: string
  /** Micros in decimal digits. */
  readonly quantity: string
}

/** Reads meters from rollups; or, to check them, from the events themselves. */
export class PostgresUsageReadings implements UsageReadings {
  readonly #database: MeteringDatabase
  readonly #meterOf: (name: string) => MeterConfig | undefined

  constructor(database: MeteringDatabase, meterOf: (name: string) => MeterConfig | undefined) {
    this.#database = database
    this.#meterOf = meterOf
  }

  async read(asked: ReadingsAsked): Promise<readonly Reading[]> {
    const { meter, by } = this.#judge(asked)
    const pieces = coverOf(asked.from, asked.to, asked.window)
    return meter.aggregation === 'unique'
      ? readingsOf(asked, by, await this.#unique(asked, meter, by, pieces))
      : readingsOf(asked, by, collapsed(meter, by, await this.#amounts(asked, meter, pieces)))
  }

  /**
   * The same by the events alone, for one window that is the whole time: what `read` says must be this once
   * nothing is marked any more.
   * @throws as `read`
   */
  async readFromEvents(asked: Omit<ReadingsAsked, 'window'>): Promise<readonly Reading[]> {
    const { meter, by } = this.#judge(asked)
    const stretches = { tenants: [asked.tenant], from: [asked.from], to: [asked.to] }
    const whole = { ...asked, window: 'whole' } as const
    if (meter.aggregation === 'unique') {
      const { sql, values } = membersStatement(meter, stretches)
      const rows = await this.#database.query<Row>(
        `select start, ${subset(meter, by, 'grp')} as grp,
          count(distinct member) * 1000000 as quantity from (${sql}) members group by 1, 2`,
        values,
      )
      return readingsOf(whole, by, rows)
    }
    const { sql, values } = measureStatement(meter, stretches)
    const rows = await this.#database.query<Row>(
      `select start, grp, quantity from (${sql}) measured where events > 0`,
      values,
    )
    return readingsOf(whole, by, collapsed(meter, by, rows))
  }

  async watermark(tenant: TenantId): Promise<Date> {
    const [row] = await this.#database.query<{ until: Date | null }>(
      `select least(
        (select min(complete_to) from usage.sender
          where heard_at > clock_timestamp() - $2 * interval '1 millisecond'
            and (root like '/ringfence/%'
              or root in (select root from usage.tenant_root where tenant = $1))),
        (select min(minute) from usage.dirty, unnest(minutes) as minute where tenant = $1
          and exists (select from usage.sender))) as until`,
      [tenant, SILENT_MS],
    )
    const heard = await this.#database.query('select from usage.sender limit 1')
    return heard.length === 0 ? new Date(0) : (row?.until ?? new Date(0))
  }

  /** @throws RingfenceError `not_found`, `invalid_argument` */
  #judge({ meter: name, by = [] }: Pick<ReadingsAsked, 'meter' | 'by'>) {
    const meter = this.#meterOf(name)
    if (meter === undefined) throw new RingfenceError('not_found', 'there is no such meter')
    if (!by.every((key) => meter.groupBy?.includes(key) === true)) {
      throw new RingfenceError('invalid_argument', 'the meter has no such group')
    }
    return { meter, by }
  }

  #amounts({ tenant, window }: ReadingsAsked, meter: MeterConfig, pieces: readonly Piece[]) {
    const { aggregation } = meter
    const whole = aggregation === 'unique' ? OF_ROLLUPS.sum : OF_ROLLUPS[aggregation]
    const select =
      window === 'whole'
        ? `$3::timestamptz as start, grp, ${whole} as quantity`
        : 'start, grp, quantity'
    return this.#database.query<Row>(
      `select ${select} from usage.rollup r where tenant = $1 and meter = $2 and events > 0
        and (${inPieces(pieces)}) ${window === 'whole' ? 'group by grp' : ''}`,
      [tenant, meter.name, ...boundsOf(pieces)],
    )
  }

  #unique(
    { tenant, window }: ReadingsAsked,
    meter: MeterConfig,
    by: readonly string[],
    pieces: readonly Piece[],
  ) {
    const start = window === 'whole' ? '$3::timestamptz' : 'start'
    return this.#database.query<Row>(
      `select ${start} as start, ${subset(meter, by, 'grp')} as grp,
          count(distinct value) * 1000000 as quantity
        from usage.member r where tenant = $1 and meter = $2 and (${inPieces(pieces)}) group by 1, 2`,
      [tenant, meter.name, ...boundsOf(pieces)],
    )
  }
}

const inPieces = (pieces: readonly Piece[]) =>
  pieces
    .map(
      ({ span }, index) =>
        `(span = '${span}' and start >= $${2 * index + 3} and start < $${2 * index + 4})`,
    )
    .join(' or ')

const boundsOf = (pieces: readonly Piece[]) => pieces.flatMap(({ from, to }) => [from, to])

/** The values of some groups out of those of all, as SQL. */
function subset(meter: MeterConfig, by: readonly string[], grp: string): string {
  const places = by.map((key) => `(${grp}::jsonb -> ${meter.groupBy?.indexOf(key) ?? 0})`)
  return `jsonb_build_array(${places.join(', ')})::text`
}

/** Adds up over the groups that were not asked for; the greatest stays the greatest. */
function collapsed(
  { groupBy = [], aggregation }: MeterConfig,
  by: readonly string[],
  rows: readonly Row[],
): readonly Row[] {
  if (by.length === groupBy.length && by.every((key, index) => groupBy[index] === key)) return rows
  const places = by.map((key) => groupBy.indexOf(key))
  const together = aggregation === 'max' ? greater : (a: Micros, b: Micros) => a + b
  const sums = new Map<string, { start: Date; grp: string; quantity: bigint }>()
  for (const { start, grp, quantity } of rows) {
    const values = JSON.parse(grp) as readonly string[]
    const own = JSON.stringify(places.map((place) => values[place] ?? ''))
    const name = `${start.getTime()} ${own}`
    const before = sums.get(name)?.quantity
    const amount = microsOf(quantity)
    const next = before === undefined ? amount : together(before, amount)
    sums.set(name, { start, grp: own, quantity: next })
  }
  return [...sums.values()].map((one) => ({ ...one, quantity: String(one.quantity) }))
}

const greater = (a: Micros, b: Micros) => (a > b ? a : b)

const WINDOW_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

function readingsOf(
  { meter, window, from, to }: Pick<ReadingsAsked, 'meter' | 'window' | 'from' | 'to'>,
  by: readonly string[],
  rows: readonly Row[],
): readonly Reading[] {
  const readings = rows.map(({ start, grp, quantity }) => {
    const values = JSON.parse(grp) as readonly string[]
    const group = Object.fromEntries(by.map((key, index) => [key, values[index] ?? '']))
    const times =
      window === 'whole'
        ? { from, to }
        : { from: start, to: new Date(start.getTime() + WINDOW_MS[window]) }
    return {
      order: `${times.from.toISOString()} ${grp}`,
      reading: { meter, ...times, group, quantity: microsOf(quantity) },
    }
  })
  return readings.toSorted((a, b) => (a.order < b.order ? -1 : 1)).map(({ reading }) => reading)
}

/** Whole millionths: the store has no parts of them. */
function microsOf(text: string): Micros {
  return BigInt(text.split('.', 1)[0] ?? '0')
}
