import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { type EmbeddedCluster, startEmbedded } from '../src/clusters/embedded-cluster.ts'
import { parseTenantId } from '../src/core/tenant.ts'
import { type Metering, openMetering } from '../src/metering/open-metering.ts'
import type { ReadingsAsked } from '../src/metering/usage-readings.ts'
import { usageEventSchema } from '../src/usage/usage-event.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { median, percentiles, ratios } from './support/statistics.ts'
import {
  fillMonth,
  MONTH_BEGIN,
  MONTH_DAYS,
  MONTH_END,
  MONTH_METERS,
  MONTH_TENANTS,
} from './support/usage-month.ts'

/** `--events 100000000` for what a large platform has: that takes 55 GB and half an hour. */
const eventsOf = (quick: boolean) =>
  Number(process.env['RINGFENCE_BENCH_EVENTS'] ?? (quick ? 100_000 : 5_000_000))
const SMALL_PART = 100
const CHECKED = 20
const CHUNK = 2_000

/** The same month with many and with few events, each in a database of its own. */
interface Month {
  readonly pool: pg.Pool
  readonly metering: Metering
  readonly events: number
}

type Asked = Omit<ReadingsAsked, 'tenant'>
const month = { from: MONTH_BEGIN, to: MONTH_END }
const odd = {
  from: new Date(MONTH_BEGIN.getTime() + (2 * 24 * 60 + 11 * 60 + 7) * 60_000),
  to: new Date(MONTH_END.getTime() - (24 * 60 + 9 * 60 + 13) * 60_000),
}
const QUESTIONS: readonly (readonly [string, readonly Asked[]])[] = [
  ['requests of a month by day', [{ ...month, meter: 'requests', window: 'day' }]],
  [
    'requests of a month by hour and API',
    [{ ...month, meter: 'requests', window: 'hour', by: ['api'] }],
  ],
  ['top APIs of a month', [{ ...month, meter: 'requests', window: 'whole', by: ['api'] }]],
  [
    'bytes between two odd minutes, four weeks apart',
    [{ ...odd, meter: 'bytes', window: 'whole' }],
  ],
  ['people of a month, each once', [{ ...month, meter: 'people', window: 'whole' }]],
  ['latest seats of a month', [{ ...month, meter: 'seats', window: 'whole' }]],
  [
    'an invoice of a month: all four meters',
    MONTH_METERS.map(({ name, groupBy }) => ({
      ...month,
      meter: name,
      window: 'whole' as const,
      ...(groupBy === undefined ? {} : { by: groupBy }),
    })),
  ],
]

export const bench: Bench = {
  title: 'what customers ask of their usage: a month of 1,000 tenants, many events beside few',
  async run(context) {
    const cluster = await startEmbedded({
      name: 'usage',
      profile: 'control',
      directory: join(context.directory, 'server'),
      settings: {
        shared_buffers: '1GB',
        max_wal_size: '4GB',
        maintenance_work_mem: '512MB',
        work_mem: '64MB',
        temp_file_limit: '-1',
        // What is measured are readings; the month is made anew after a failure of the machine.
        fsync: 'off',
      },
    })
    const months: Month[] = []
    try {
      const many = eventsOf(context.quick)
      for (const events of [Math.ceil(many / SMALL_PART), many]) {
        months.push(await monthOf(cluster, events, context.say))
      }
      for (const one of months) await check(one)
      return [...(await ask(months, context)), ...(await keepMore(months, context))]
    } finally {
      for (const { pool, metering } of months) {
        await metering.close()
        await pool.end()
      }
      await cluster.stop()
    }
  },
}

async function monthOf(
  cluster: EmbeddedCluster,
  events: number,
  say: (line: string) => void,
): Promise<Month> {
  const name = `usage_${events}`
  const admin = new pg.Client(cluster.admin)
  await admin.connect()
  await admin.query(`create database ${name}`)
  await admin.end()
  const database = { ...cluster.admin, database: name }
  const pool = new pg.Pool({ ...database, max: 4, options: '-c timezone=UTC' })
  pool.on('error', () => {})
  await pool.query('create schema usage')
  const metering = await openMetering({ database, log: say, beatMs: 600_000 })
  await metering.setMeters(MONTH_METERS, 1)
  await fillMonth(pool, events, (line) => say(`${events} events: ${line}`))
  return { pool, metering, events }
}

/** The rollups of the fill are those that the events give. */
async function check({ metering }: Month): Promise<void> {
  for (let n = 0; n < CHECKED; n += 1) {
    const from = new Date(
      MONTH_BEGIN.getTime() + ((n * 7) % MONTH_DAYS) * 86_400_000 + 10 * 3_600_000,
    )
    const tenant = tenantOf(50 + n)
    for (const { name, groupBy = [] } of MONTH_METERS) {
      const asked = {
        tenant,
        meter: name,
        from,
        to: new Date(from.getTime() + 3_600_000),
        by: groupBy,
      }
      const kept = await metering.readings.read({ ...asked, window: 'whole' })
      const told = await metering.readings.readFromEvents(asked)
      const text = (of: typeof kept) =>
        JSON.stringify(of.map(({ group, quantity }) => [group, String(quantity)]))
      if (text(kept) !== text(told))
        throw new Error(`${name} of ${tenant} is not what its events say`)
    }
  }
}

const tenantOf = (n: number) => parseTenantId(`tenant-${1 + ((n * 7_919) % MONTH_TENANTS)}`)

async function ask(
  months: readonly Month[],
  { quick, say }: BenchContext,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  const largest = months.at(-1)
  const scansBefore = largest && (await scans(largest))
  const rounds = quick ? 2 : 5
  const each = quick ? 20 : 200
  for (const [question, asked] of QUESTIONS) {
    say(question)
    const took = months.map(() => [] as number[][])
    for (let round = 0; round < rounds; round += 1) {
      for (const [at, { metering }] of months.entries()) {
        const latencies: number[] = []
        for (let n = 0; n < each; n += 1) {
          const tenant = tenantOf(round * each + n)
          const began = performance.now()
          for (const one of asked) await metering.readings.read({ ...one, tenant })
          latencies.push(performance.now() - began)
        }
        took[at]?.push(latencies)
      }
    }
    const [few = [], many = []] = took
    const nameOf = (at: number) => `${question}, ${inMillions(months[at]?.events ?? 0)} events`
    const beside = many.map(
      (one, round) => percentiles(one).p99 / percentiles(few[round] ?? []).p99,
    )
    rows.push(
      { what: nameOf(0), unit: 'ms', ...percentiles(few.flat()) },
      {
        what: nameOf(1),
        unit: 'ms',
        ...percentiles(many.flat()),
        ratio: median(beside),
        ratioRange: [Math.min(...beside), Math.max(...beside)],
        reference: `${nameOf(0)} (p99)`,
      },
    )
  }
  // What is still untold comes with the next question.
  for (const { metering } of months) await metering.readings.watermark(tenantOf(0))
  const scanned = largest === undefined ? 0 : (await scans(largest)) - (scansBefore ?? 0)
  rows.push({
    what: 'tables of usage that were read from end to end for all of it',
    unit: 'tables',
    n: rounds * each * QUESTIONS.length,
    p50: scanned,
    aim: { text: 'none', met: scanned === 0 },
  })
  return rows
}

/** How fast more is kept beside what is there: each name is looked for among all of them. */
async function keepMore(months: readonly Month[], { quick, say }: BenchContext): Promise<Row[]> {
  say('keeping more')
  const [rounds, chunks] = quick ? [2, 2] : [5, 10]
  const rates = months.map(() => [] as number[])
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, { metering }] of months.entries()) {
      const began = performance.now()
      for (let chunk = 0; chunk < chunks; chunk += 1) {
        await metering.store.add(
          Array.from({ length: CHUNK }, (_, n) => moreEvent(`${round}-${chunk}-${n}`, n)),
        )
      }
      rates[at]?.push((chunks * CHUNK * 1_000) / (performance.now() - began))
    }
  }
  const [few = [], many = []] = rates
  const nameOf = (at: number) => `events kept beside ${inMillions(months[at]?.events ?? 0)} others`
  return [
    { what: nameOf(0), unit: 'events/s', ...percentiles(few) },
    {
      what: nameOf(1),
      unit: 'events/s',
      ...percentiles(many),
      ...ratios(many, few),
      reference: nameOf(0),
    },
  ]
}

const moreEvent = (id: string, n: number) => ({
  event: usageEventSchema.parse({
    specversion: '1.0',
    id: `more-${id}`,
    source: '/services/clinic',
    type: 'dev.ringfence.request',
    subject: `user-${n % 200}`,
    time: new Date(MONTH_END.getTime() - 1 - (n % 3_600) * 1_000).toISOString(),
    tenantid: tenantOf(n),
    data: { api: 'booking', bytes: n, status: '2xx' },
  }),
  reporter: 'clinic-web',
})

/** How often events, names, rollups were read from end to end, as sessions have told by now. */
async function scans({ pool }: Month): Promise<number> {
  // They tell once a second, at the end of a statement.
  await setTimeout(1_100)
  const { rows } = await pool.query<{ scans: string }>(
    `select sum(seq_scan) as scans from pg_stat_user_tables where schemaname = 'usage'
      and relname ~ '^(event|rollup|member)'`,
  )
  return Number(rows[0]?.scans ?? 0)
}

const inMillions = (events: number) => `${events / 1e6} million`
