import type { Aggregation, MeterConfig } from '../contracts/meter.ts'
import { meterSql } from './meter-sql.ts'

/** A statement with its parameters. */
export interface Statement {
  readonly sql: string
  readonly values: readonly unknown[]
}

/** Stretches of tenants' time. */
export interface Stretches {
  readonly tenants: readonly string[]
  readonly from: readonly Date[]
  /** Exclusive. */
  readonly to: readonly Date[]
}

/** Of the amounts of one group in one stretch. */
const OF_EVENTS: Readonly<Record<Aggregation, string>> = {
  sum: 'coalesce(sum(micros), 0)',
  count: 'count(micros) * 1000000',
  max: 'coalesce(max(micros), 0)',
  unique: 'count(distinct member) * 1000000',
  latest: `coalesce((array_agg(micros order by time desc, key desc)
    filter (where micros is not null))[1], 0)`,
}

/** Of shorter rollups, what their longer one is. Values that are unique are told apart by themselves. */
export const OF_ROLLUPS: Readonly<Record<Exclude<Aggregation, 'unique'>, string>> = {
  sum: 'sum(quantity)',
  count: 'sum(quantity)',
  max: 'max(quantity)',
  latest: 'coalesce((array_agg(quantity order by at desc) filter (where events > 0))[1], 0)',
}

/**
 * One meter's amounts straight from the events of some stretches: `tenant, start, grp, quantity, at, events,
 * unread` by stretch and group.
 */
export function measureStatement(meter: MeterConfig, stretches: Stretches): Statement {
  const { sql, values } = amounts(meter, stretches)
  const seen = meter.aggregation === 'unique' ? 'member' : 'micros'
  return {
    sql: `select tenant, start, grp, ${OF_EVENTS[meter.aggregation]} as quantity,
        coalesce(max(time) filter (where ${seen} is not null), max(time)) as at,
        count(${seen}) as events, count(*) - count(${seen}) as unread
      from (${sql}) amounts group by tenant, start, grp`,
    values,
  }
}

/** What a meter of unique values tells apart: `tenant, start, grp, member`. */
export function membersStatement(meter: MeterConfig, stretches: Stretches): Statement {
  const { sql, values } = amounts(meter, stretches)
  return {
    sql: `select distinct tenant, start, grp, member from (${sql}) amounts where member is not null`,
    values,
  }
}

/** Each event that counts for the meter, with its stretch. */
function amounts(meter: MeterConfig, { tenants, from, to }: Stretches): Statement {
  const { where, group, micros, member, values } = meterSql(meter, 6)
  const all = [...from, ...to].map((time) => time.getTime())
  // The first and the last, so that no other day's partition is looked at.
  const bounds = [new Date(Math.min(...all)), new Date(Math.max(...all))]
  return {
    // Each stretch by itself (offset 0): taken together, whole days would be read for a few minutes of them.
    sql: `select w.tenant, w.start, e.time, e.key, e.grp, e.micros, e.member
      from unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) as w(tenant, start, finish)
      cross join lateral (
        select e.time, e.key, ${group} as grp, ${micros} as micros, ${member} as member
          from usage.event e where e.tenant = w.tenant and e.time >= w.start and e.time < w.finish
            and e.time >= $4 and e.time < $5 and ${where}
            and not exists (
              select from usage.amendment a where a.tenant = e.tenant and a.target = e.key)
            and (e.target is null or usage.prevails(e.tenant, e.key)) offset 0
      ) e`,
    values: [tenants, from, to, ...bounds, ...values],
  }
}
