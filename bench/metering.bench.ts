import type pg from 'pg'
import { parseTenantId } from '../src/core/tenant.ts'
import { copyIn } from '../src/metering/copy-in.ts'
import { COPY_COLUMNS, copyRow } from '../src/metering/copy-row.ts'
import {
  type MeteringSite,
  meteringSite,
  meterOf,
} from '../src/metering/metering-site.test-support.ts'
import type { Metering } from '../src/metering/open-metering.ts'
import type { UsageEvent } from '../src/usage/usage-event.ts'
import type { ReceivedEvent } from '../src/usage/usage-store.ts'
import type { Bench, Row } from './bench.ts'
import { percentiles, ratios } from './support/statistics.ts'

/** As a control database is set. */
const PRODUCTION = {
  fsync: 'on',
  full_page_writes: 'on',
  shared_buffers: '128MB',
  max_wal_size: '1GB',
}
const TENANTS = 100
const CHUNK = 2_000
const ROUNDS = 3
const QUERIES = 300
const SPREAD_MS = 24 * 3_600_000
const BEGIN_MS = Date.parse('2026-11-02T00:00:00Z')

/** Of all rounds together. */
const eventsOf = (quick: boolean) =>
  Number(process.env['RINGFENCE_BENCH_EVENTS'] ?? (quick ? 12_000 : 600_000))

export const bench: Bench = {
  title: 'usage events a second beside plain COPY, what dedupe costs, and how long readings take',
  async run({ quick, say }) {
    const site = await meteringSite(PRODUCTION)
    try {
      const metering = await site.open()
      await metering.setMeters(
        [
          meterOf({ name: 'visits', aggregation: 'count', groupBy: ['ward'] }),
          meterOf({ name: 'bytes', aggregation: 'sum', value: 'bytes' }),
          meterOf({ name: 'people', aggregation: 'unique', value: '@subject' }),
        ],
        1,
      )
      // The day's partition is there before anything is measured.
      await metering.store.add([received(eventOf('first', 0))])
      await plainTable(site.asked)
      const perRound = Math.ceil(eventsOf(quick) / ROUNDS)
      const plain: number[] = []
      const kept: number[] = []
      const again: number[] = []
      for (let round = 0; round < ROUNDS; round += 1) {
        say(`round ${round + 1} of ${ROUNDS}: ${perRound} events`)
        plain.push(await perSecond(perRound, (chunk) => copyPlain(site.asked, chunk), `p${round}`))
        kept.push(await perSecond(perRound, (chunk) => keep(metering, chunk), `k${round}`))
        again.push(await perSecond(perRound, (chunk) => keep(metering, chunk), `k${round}`))
      }
      say('rolling up')
      const rolled = await timeOf(() => metering.settled())
      const latest = await latencies(metering, quick ? 5 : 30)
      say('asking')
      const beside = ratios(kept, plain)
      return [
        { what: 'COPY into a plain table', unit: 'events/s', ...percentiles(plain) },
        {
          what: 'events kept, each once',
          unit: 'events/s',
          ...percentiles(kept),
          ...beside,
          reference: 'COPY into a plain table',
          aim: { text: 'at least 0.5 × plain COPY', met: beside.ratio >= 0.5 },
        },
        {
          what: 'the same events again: all are duplicates',
          unit: 'events/s',
          ...percentiles(again),
          ...ratios(again, kept),
          reference: 'events kept, each once',
        },
        {
          what: 'rolling up all of them, three meters',
          unit: 'events/s',
          n: 1,
          p50: (perRound * ROUNDS * 1000) / rolled,
        },
        { what: 'from 100 events to their readings', unit: 'ms', ...percentiles(latest) },
        ...(await queries(metering, site, quick ? 30 : QUERIES)),
      ]
    } finally {
      await site.close()
    }
  },
}

function eventOf(id: string, n: number): UsageEvent {
  return {
    specversion: '1.0',
    id,
    source: '/services/clinic',
    type: 'dev.example.visit',
    subject: `user-${n % 997}`,
    time: new Date(BEGIN_MS + ((n * 7_919) % SPREAD_MS)).toISOString(),
    tenantid: parseTenantId(`tenant-${n % TENANTS}`),
    data: { bytes: n % 10_000, ward: `ward-${n % 5}`, status: '2xx', method: 'GET' },
  }
}

const received = (event: UsageEvent): ReceivedEvent => ({ event, reporter: 'clinic-web' })

/** Two chunks under way, as the store has two writers; both ways alike. */
async function perSecond(
  events: number,
  write: (chunk: readonly ReceivedEvent[]) => Promise<unknown>,
  prefix: string,
): Promise<number> {
  let next = 0
  const milliseconds = await timeOf(async () => {
    const one = async () => {
      while (next < events) {
        const from = next
        next += CHUNK
        const length = Math.min(CHUNK, events - from)
        const chunk = Array.from({ length }, (_, at) =>
          received(eventOf(`${prefix}-${from + at}`, from + at)),
        )
        await write(chunk)
      }
    }
    await Promise.all([one(), one()])
  })
  return (events / milliseconds) * 1000
}

const keep = (metering: Metering, chunk: readonly ReceivedEvent[]) => metering.store.add(chunk)

async function plainTable(pool: pg.Pool): Promise<void> {
  await pool.query('create table plain (like usage.event)')
  await pool.query('alter table plain alter column received_at set default clock_timestamp()')
}

/** The same rows, made into text in the same way, and nothing that knows them again. */
async function copyPlain(pool: pg.Pool, chunk: readonly ReceivedEvent[]): Promise<void> {
  const client = await pool.connect()
  try {
    let text = ''
    for (const one of chunk) text += `${copyRow(one).text}\n`
    await copyIn(client, `copy plain (${COPY_COLUMNS}) from stdin`, text)
  } finally {
    client.release()
  }
}

async function latencies(metering: Metering, times: number): Promise<readonly number[]> {
  const took: number[] = []
  for (let n = 0; n < times; n += 1) {
    const chunk = Array.from({ length: 100 }, (_, at) => received(eventOf(`l${n}-${at}`, at)))
    await metering.store.add(chunk)
    took.push(await timeOf(() => metering.settled()))
  }
  return took
}

async function queries(metering: Metering, site: MeteringSite, times: number): Promise<Row[]> {
  const { rows } = await site.asked.query<{ n: string }>('select count(*) n from usage.event')
  const asked = {
    from: new Date(BEGIN_MS),
    to: new Date(BEGIN_MS + SPREAD_MS),
  }
  const result: Row[] = []
  for (const [meter, window] of [
    ['bytes', 'whole'],
    ['visits', 'hour'],
    ['people', 'whole'],
  ] as const) {
    const took: number[] = []
    for (let n = 0; n < times; n += 1) {
      const tenant = parseTenantId(`tenant-${n % TENANTS}`)
      took.push(await timeOf(() => metering.readings.read({ ...asked, tenant, meter, window })))
    }
    const what = `a tenant’s ${meter} of a day by ${window}, of ${rows[0]?.n ?? 0} events`
    result.push({ what, unit: 'ms', ...percentiles(took) })
  }
  return result
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}
