import type pg from 'pg'
import type { MeterConfig } from '../contracts/meter.ts'
import { keptMeters } from './kept-meters.ts'
import { type MeteringDatabase, ROLL_LOCK } from './metering-database.ts'
import { measureStatement, OF_ROLLUPS, type Stretches } from './measure.ts'
import { joinMembers, tellApart } from './members.ts'
import { MINUTE_MS } from './copy-row.ts'
import type { Span } from './cover.ts'

/** Minutes that are taken at once: marks as long as they have no more, and one more. */
const MARKS = 10_000
/** Events that were ever said in the place of one another; more are not followed at once. */
const FAMILY_MAX = 10_000

interface Row extends pg.QueryResultRow {
  readonly tenant: string
  readonly minute: Date
}

interface Taken extends Row {
  /** Marks that were taken together with it. */
  readonly total: number
}

/**
 * Minutes that are marked, taken from their table, tenant by tenant: what was marked by many writes is
 * measured once, and a tenant's hours and days are not made anew for each of its minutes. What marks them
 * was written in one transaction with the events, and the statements that follow see all of what this one
 * sees.
 */
const TAKE = `
  with first as (
    select ctid, cardinality(minutes) as own,
        sum(cardinality(minutes)) over (order by tenant, id rows unbounded preceding) as total
      from (select ctid, tenant, id, minutes from usage.dirty where tenant > $2
        order by tenant, id limit $1) marks
  ), gone as (
    delete from usage.dirty where ctid = any(array(select ctid from first where total - own < $1))
      returning tenant, minutes
  )
  select distinct tenant, minute, (select sum(cardinality(minutes)) from gone)::int as total
    from gone, unnest(minutes) as minute order by tenant`

/**
 * The minutes of everything that stands in one line with a correction or a void of these minutes: which of
 * them counts may be another one now. They are looked for here, and not when events are written: two
 * writers do not see each other. Few are looked for among many, here and below, and each by its key
 * (lateral, offset 0): a server that knows no better would read all there is.
 */
const FAMILIES = `
  with recursive family(tenant, key) as (
    select a.tenant, a.key
      from unnest($1::text[], $2::timestamptz[]) as w(tenant, minute)
      cross join lateral (
        select * from usage.amendment a where a.tenant = w.tenant
          and a.time >= w.minute and a.time < w.minute + interval '1 minute' offset 0
      ) a
    union
    select f.tenant, near.key from family f
      cross join lateral (
        select a.target as key from usage.amendment a where a.tenant = f.tenant and a.key = f.key
        union all
        select a.key from usage.amendment a where a.tenant = f.tenant and a.target = f.key
      ) near
  )
  select distinct k.tenant, to_timestamp(k.minute::bigint * 60) as minute
    from (select * from family limit ${FAMILY_MAX}) f
    cross join lateral (
      select * from usage.event_key k where k.tenant = f.tenant and k.key = f.key offset 0
    ) k`

/**
 * Brings rollups up to date: what is marked is measured anew, as a whole. So it does not matter in which
 * order, how late or how often anything came, and a round that is killed is as one that was not.
 */
export class Roller {
  readonly #database: MeteringDatabase
  readonly #marks: number
  /** Whose marks were taken last, while there are more: the others' turn is before theirs. */
  #last = ''

  /** @param marks that are taken at once */
  constructor(database: MeteringDatabase, marks = MARKS) {
    this.#database = database
    this.#marks = marks
  }

  /**
   * @returns how many minutes were brought up to date; undefined when another process is at it
   * @throws RingfenceError `engine_unavailable`, `timed_out`
   */
  async round(): Promise<number | undefined> {
    const before = this.#last
    const done = await this.#database.transaction(async ({ client }) => {
      const lock = await client.query<{ taken: boolean }>(
        'select pg_try_advisory_xact_lock($1) as taken',
        [ROLL_LOCK],
      )
      if (lock.rows[0]?.taken !== true) return undefined
      // What it would make faster takes less time than it does.
      await client.query('set local jit = off')
      const marked = await take(client, this.#marks, before)
      if (marked.length === 0) return { minutes: 0, last: '' }
      const { rows: related } = await client.query<Row>(FAMILIES, [
        marked.map(({ tenant }) => tenant),
        marked.map(({ minute }) => minute),
      ])
      const minutes = distinct([...marked, ...related])
      for (const meter of await keptMeters(client)) await rollUp(client, meter, minutes)
      const isAll = (marked[0]?.total ?? 0) < this.#marks
      return { minutes: minutes.length, last: isAll ? '' : (marked.at(-1)?.tenant ?? '') }
    })
    if (done !== undefined) this.#last = done.last
    return done?.minutes
  }
}

/** Of tenants behind the last; when they have none, of the first. */
async function take(client: pg.ClientBase, marks: number, last: string): Promise<readonly Taken[]> {
  const { rows } = await client.query<Taken>(TAKE, [marks, last])
  return rows.length === 0 && last !== '' ? take(client, marks, '') : rows
}

/** Of one meter, in the transaction of `client`. */
async function rollUp(
  client: pg.ClientBase,
  meter: MeterConfig,
  minutes: readonly Row[],
): Promise<void> {
  const [inMinutes, inHours, inDays] = [1, 60, 24 * 60].map((n) => spansOf(minutes, n * MINUTE_MS))
  if (inMinutes === undefined || inHours === undefined || inDays === undefined) return
  await forget(client, meter, 'm', inMinutes)
  const measured = measureStatement(meter, inMinutes)
  await client.query(
    `insert into usage.rollup (tenant, meter, span, start, grp, quantity, at, events, unread)
      select tenant, ${nextParameter(measured.values)}, 'm', start, grp, quantity, at, events, unread
      from (${measured.sql}) measured`,
    [...measured.values, meter.name],
  )
  if (meter.aggregation === 'unique') {
    const gone = await tellApart(client, meter, inMinutes)
    const goneOfHours = await joinMembers(client, meter, 'm', 'h', inMinutes, gone)
    await joinMembers(client, meter, 'h', 'd', inHours, goneOfHours)
  }
  await lengthen(client, meter, 'm', 'h', inHours)
  await lengthen(client, meter, 'h', 'd', inDays)
}

async function forget(
  client: pg.ClientBase,
  meter: MeterConfig,
  span: Span,
  { tenants, from }: Stretches,
): Promise<void> {
  await client.query(
    `delete from usage.rollup where ctid = any(array(
      select r.ctid from unnest($1::text[], $2::timestamptz[]) as w(tenant, start)
        cross join lateral (
          select x.ctid from usage.rollup x where x.tenant = w.tenant and x.meter = $3
            and x.span = '${span}' and x.start = w.start offset 0
        ) r))`,
    [tenants, from, meter.name],
  )
}

/** Longer rollups from shorter ones. */
async function lengthen(
  client: pg.ClientBase,
  meter: MeterConfig,
  short: Span,
  long: Span,
  stretches: Stretches,
): Promise<void> {
  await forget(client, meter, long, stretches)
  const { tenants, from, to } = stretches
  const values = [tenants, from, to, meter.name]
  const within = `
    from unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) as w(tenant, start, finish)
    cross join lateral (
      select * from usage.rollup x where x.tenant = w.tenant and x.meter = $4
        and x.span = '${short}' and x.start >= w.start and x.start < w.finish offset 0
    ) r`
  const quantity =
    meter.aggregation === 'unique'
      ? `1000000 * (select count(*) from usage.member x where x.tenant = w.tenant
          and x.meter = $4 and x.span = '${long}' and x.start = w.start and x.grp = r.grp)`
      : OF_ROLLUPS[meter.aggregation]
  await client.query(
    `insert into usage.rollup (tenant, meter, span, start, grp, quantity, at, events, unread)
      select w.tenant, $4, '${long}', w.start, r.grp, ${quantity}, max(r.at), sum(r.events),
        sum(r.unread) ${within} group by w.tenant, w.start, r.grp`,
    values,
  )
}

function spansOf(minutes: readonly Row[], lengthMs: number): Stretches {
  const starts = new Map<string, { tenant: string; start: number }>()
  for (const { tenant, minute } of minutes) {
    const start = Math.floor(minute.getTime() / lengthMs) * lengthMs
    starts.set(`${tenant} ${start}`, { tenant, start })
  }
  const all = [...starts.values()]
  return {
    tenants: all.map(({ tenant }) => tenant),
    from: all.map(({ start }) => new Date(start)),
    to: all.map(({ start }) => new Date(start + lengthMs)),
  }
}

function distinct(rows: readonly Row[]): readonly Row[] {
  return [...new Map(rows.map((row) => [`${row.tenant} ${row.minute.getTime()}`, row])).values()]
}

const nextParameter = (values: readonly unknown[]) => `$${values.length + 1}::text`
