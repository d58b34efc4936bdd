import type pg from 'pg'
import type { MeterConfig } from '../contracts/meter.ts'
import type { Span } from './cover.ts'
import { membersStatement, type Stretches } from './measure.ts'

/** What a meter of unique values told apart in a span, and does not any more. */
interface Gone extends pg.QueryResultRow {
  readonly tenant: string
  readonly start: Date
  readonly grp: string
  readonly value: string
}

/** Members of some spans, each looked for by its key (lateral, offset 0). */
const membersOf = (span: Span, meter: string) => `
  unnest($1::text[], $2::timestamptz[]) as w(tenant, start)
    cross join lateral (
      select x.ctid, x.* from usage.member x where x.tenant = w.tenant and x.meter = ${meter}
        and x.span = '${span}' and x.start = w.start offset 0
    ) r`

/**
 * Makes the members of minutes what their events say. Most are there already, and stay.
 * @returns those that were there and are not any more: an event of theirs was corrected or voided
 */
export async function tellApart(
  client: pg.ClientBase,
  meter: MeterConfig,
  minutes: Stretches,
): Promise<readonly Gone[]> {
  const { sql, values } = membersStatement(meter, minutes)
  const name = `$${values.length + 1}::text`
  const { rows } = await client.query<Gone>(
    `with told as materialized (${sql}), gone as (
        delete from usage.member where ctid = any(array(
          select r.ctid from ${membersOf('m', name)} where not exists (
            select from told t where (t.tenant, t.start, t.grp, t.member)
              = (r.tenant, r.start, r.grp, r.value))))
        returning tenant, start, grp, value
      ), came as (
        insert into usage.member (tenant, meter, span, start, grp, value)
          select tenant, ${name}, 'm', start, grp, member from told on conflict do nothing
      )
      select tenant, start, grp, value from gone`,
    [...values, meter.name],
  )
  return rows
}

/**
 * Brings the members of longer spans up to date with shorter ones that were measured anew: what came is
 * entered, and what went from all shorter ones goes. So a day costs as much as what changed in it.
 * @returns what went
 */
export async function joinMembers(
  client: pg.ClientBase,
  meter: MeterConfig,
  short: Span,
  long: 'h' | 'd',
  { tenants, from }: Stretches,
  gone: readonly Gone[],
): Promise<readonly Gone[]> {
  const unit = long === 'h' ? 'hour' : 'day'
  await client.query(
    `insert into usage.member (tenant, meter, span, start, grp, value)
      select distinct r.tenant, $3, '${long}', date_trunc('${unit}', r.start, 'UTC'), r.grp, r.value
      from ${membersOf(short, '$3')} on conflict do nothing`,
    [tenants, from, meter.name],
  )
  if (gone.length === 0) return []
  const { rows } = await client.query<Gone>(
    `delete from usage.member m
      using (select distinct tenant, date_trunc('${unit}', start, 'UTC') as start, grp, value
        from unnest($1::text[], $2::timestamptz[], $3::text[], $4::uuid[])
          as g(tenant, start, grp, value)) gone
      where m.tenant = gone.tenant and m.meter = $5 and m.span = '${long}'
        and m.start = gone.start and m.grp = gone.grp and m.value = gone.value
        and not exists (select from usage.member x where x.tenant = gone.tenant and x.meter = $5
          and x.span = '${short}' and x.start >= gone.start
          and x.start < gone.start + interval '1 ${unit}'
          and x.grp = gone.grp and x.value = gone.value)
      returning m.tenant, m.start, m.grp, m.value`,
    [
      gone.map(({ tenant }) => tenant),
      gone.map(({ start }) => start),
      gone.map(({ grp }) => grp),
      gone.map(({ value }) => value),
      meter.name,
    ],
  )
  return rows
}
