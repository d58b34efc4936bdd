import { statfs } from 'node:fs/promises'
import type pg from 'pg'
import { meterOf } from '../../src/metering/metering-site.test-support.ts'

export const MONTH_DAYS = 30
export const MONTH_TENANTS = 1_000
export const MONTH_BEGIN = new Date('2026-09-01T00:00:00Z')
export const MONTH_END = new Date(MONTH_BEGIN.getTime() + MONTH_DAYS * 86_400_000)

/** Of an event with its name, its rollups and all indexes, at most; and what is left to others. */
const BYTES_AN_EVENT = 560
const BYTES_LEFT = 6e9
/** Days that are copied at once. */
const COPIERS = 2

const REQUEST = 'dev.ringfence.request'
const SIGN_IN = 'com.example.sign-in'
const SEATS = 'com.example.seats'

export const MONTH_METERS = [
  meterOf({ name: 'requests', events: [REQUEST], aggregation: 'count', groupBy: ['api'] }),
  meterOf({ name: 'bytes', events: [REQUEST], aggregation: 'sum', value: 'bytes' }),
  meterOf({ name: 'people', events: [SIGN_IN], aggregation: 'unique', value: '@subject' }),
  meterOf({ name: 'seats', events: [SEATS], aggregation: 'latest', value: 'seats' }),
]

const SPANS = [
  ['m', 'minute'],
  ['h', 'hour'],
  ['d', 'day'],
] as const
const COLUMNS = 'tenant, time, key, source, id, type, subject, voids, data, reporter'

/**
 * Fills the tables of a metering, whose meters are kept already, with a month of 1,000 tenants: tenants by
 * Zipf's law, by day more than by night. The first day is made event by event and measured; the others are
 * like it, later. Keys and checks are made after the rows, by sorting.
 */
export async function fillMonth(
  pool: pg.Pool,
  events: number,
  say: (line: string) => void,
): Promise<void> {
  const { bavail, bsize } = await statfs('.')
  const needed = events * BYTES_AN_EVENT + BYTES_LEFT
  if (bavail * bsize < needed) throw new Error(`the disk has not the ${needed} bytes that it takes`)
  await run(pool, `alter table usage.event drop constraint event_pkey`)
  for (const table of ['event_key', 'rollup', 'member']) {
    await run(pool, `alter table usage.${table} drop constraint ${table}_pkey`)
  }
  say('the first day')
  await run(pool, createDay(0), firstDay(Math.ceil(events / MONTH_DAYS)))
  await run(pool, 'alter table usage.event_0 add primary key (tenant, time, key)')
  await run(pool, 'analyze usage.event_0')
  await measureDay(pool)
  await run(
    pool,
    `create table usage.rolled as select * from usage.rollup order by tenant, meter, span, start, grp`,
    'create table usage.told_apart as select * from usage.member order by tenant, meter, span, start, grp',
  )
  await inTurn(MONTH_DAYS - 1, async (at) => {
    const [name, day] = [`usage.event_${at + 1}`, at + 1]
    say(`day ${day + 1}`)
    await run(
      pool,
      createDay(day),
      `insert into ${name} (${COLUMNS}) select tenant, time + interval '${day} days',
        gen_random_uuid(), source, id || '-${day}', type, subject, voids, data, reporter
        from usage.event_0`,
      `alter table ${name} add primary key (tenant, time, key)`,
    )
  })
  say('rollups')
  await inTurn(2, async (at) => {
    const [table, from] = at === 0 ? ['rollup', 'rolled'] : ['member', 'told_apart']
    const [rest, key] =
      at === 0 ? ['quantity, at + later, events, unread', 'grp'] : ['value', 'grp, value']
    await run(
      pool,
      `truncate usage.${table}`,
      `insert into usage.${table} select tenant, meter, span, start + later, grp, ${rest}
        from usage.${from}, (select n * interval '1 day' as later
          from generate_series(0, ${MONTH_DAYS - 1}) n) days`,
      `alter table usage.${table} add primary key (tenant, meter, span, start, ${key})`,
    )
  })
  await run(pool, 'drop table usage.rolled, usage.told_apart')
  for (let day = 0; day < MONTH_DAYS; day += 1) {
    await run(pool, attachDay(day), `alter table usage.event_${day} rename to ${dayName(day)}`)
  }
  say('names')
  await run(
    pool,
    'truncate usage.event_key',
    `insert into usage.event_key (tenant, key, minute, content)
      select tenant, key, floor(extract(epoch from time) / 60), key from usage.event`,
  )
  await run(
    pool,
    'alter table usage.event add primary key (tenant, time, key)',
    'alter table usage.event_key add primary key (tenant, key)',
  )
  say('statistics')
  await run(pool, 'analyze usage.event')
  await run(pool, 'analyze usage.event_key')
  await run(pool, 'vacuum (analyze) usage.rollup')
  await run(pool, 'vacuum (analyze) usage.member')
}

/** Statements of one transaction: what is made and filled in one needs no log of its own. */
async function run(pool: pg.Pool, ...statements: readonly string[]): Promise<void> {
  const client = await pool.connect()
  try {
    if (statements.length === 1) await client.query(statements[0] ?? '')
    else await client.query(`begin; ${statements.join('; ')}; commit`)
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  } finally {
    client.release()
  }
}

async function inTurn(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0
  const one = async () => {
    for (let at = next++; at < count; at = next++) await work(at)
  }
  await Promise.all(Array.from({ length: COPIERS }, one))
}

const dateOf = (day: number) =>
  new Date(MONTH_BEGIN.getTime() + day * 86_400_000).toISOString().slice(0, 10)
const dayName = (day: number) => `event_${dateOf(day).replaceAll('-', '')}`
const isOfDay = (day: number) => `time >= '${dateOf(day)}' and time < '${dateOf(day + 1)}'`
const createDay = (day: number) =>
  `create table usage.event_${day} (like usage.event including defaults,
    constraint day check (${isOfDay(day)}))`
const attachDay = (day: number) => `alter table usage.event attach partition usage.event_${day}
  for values from ('${dateOf(day)}') to ('${dateOf(day + 1)}')`

/** Tenant 1 has a seventh of all, tenant 1,000 about as many as a clerk makes by hand. */
const firstDay = (events: number) => `
  insert into usage.event_0 (${COLUMNS})
  select tenant, time, encode(substring(sha256(convert_to(
      tenant || E'\\n/services/clinic\\n' || n, 'UTF8')) for 16), 'hex')::uuid,
    '/services/clinic', n::text, type, 'user-' || subject, false,
    case type
      when '${SEATS}' then jsonb_build_object('seats', subject)
      when '${SIGN_IN}' then '{"way":"password"}'
      else jsonb_build_object('api', (array['booking', 'booking', 'booking', 'booking', 'patients',
        'reports'])[1 + subject % 6], 'bytes', 200 + n % 9973, 'status', '2xx')
    end, 'clinic-web'
  from (
    select n, 'tenant-' || floor(power(${MONTH_TENANTS + 1}, random()))::int as tenant,
      date_trunc('milliseconds', timestamptz '${dateOf(0)}' + interval '5 hours'
        + (random() + random()) * interval '8 hours') as time,
      case when n % 1000 = 0 then '${SEATS}' when n % 50 = 1 then '${SIGN_IN}' else '${REQUEST}' end as type,
      floor(random() * 200)::int as subject
    from generate_series(1, ${events}) n
  ) drawn order by tenant, time`

/** What the rollers would make of it, said once for the whole day: the bench compares samples of both. */
async function measureDay(pool: pg.Pool): Promise<void> {
  const amounts = [
    [
      'requests',
      REQUEST,
      "jsonb_build_array(coalesce(data ->> 'api', ''))::text",
      'count(*) * 1000000',
    ],
    ['bytes', REQUEST, "'[]'", "sum(usage.micros(data -> 'bytes'))"],
    ['people', SIGN_IN, "'[]'", 'count(distinct subject) * 1000000'],
    [
      'seats',
      SEATS,
      "'[]'",
      "(array_agg(usage.micros(data -> 'seats') order by time desc, key desc))[1]",
    ],
  ]
  for (const [meter, type, group, quantity] of amounts) {
    for (const [span, unit] of SPANS) {
      await run(
        pool,
        `insert into usage.rollup (tenant, meter, span, start, grp, quantity, at, events, unread)
          select tenant, '${meter}', '${span}', date_trunc('${unit}', time), ${group}, ${quantity},
            max(time), count(*), 0
          from usage.event_0 where type = '${type}' group by 1, 2, 3, 4, 5`,
      )
    }
  }
  for (const [span, unit] of SPANS) {
    await run(
      pool,
      `insert into usage.member (tenant, meter, span, start, grp, value)
        select distinct tenant, 'people', '${span}', date_trunc('${unit}', time), '[]',
          encode(substring(sha256(convert_to(subject, 'UTF8')) for 16), 'hex')::uuid
        from usage.event_0 where type = '${SIGN_IN}'`,
    )
  }
}
