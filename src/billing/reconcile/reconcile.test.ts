import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AlertSignalInput } from '../../alerts/alert.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { ReadingsAsked } from '../../metering/usage-readings.ts'
import { ACME, billingSite, day, GLOBEX, PRICE } from '../billing-site.test-support.ts'
import { parsePeriod } from '../rating/period.ts'
import { MemoryLog, MemoryRecorded } from './memory-sides.test-support.ts'
import { Reconciler } from './reconcile.ts'

const JULY = parsePeriod('2026-07')

async function stage(t: TestContext) {
  const site = await billingSite(t)
  site.catalogue.apply('basic', day('2026-01-01'), PRICE)
  for (const tenant of [ACME, GLOBEX]) site.catalogue.put(tenant, 'basic', day('2026-01-01'))
  site.usage.completeUntil(day('2026-08-02'))
  const log = new MemoryLog()
  const recorded = new MemoryRecorded(site.usage)
  const told: AlertSignalInput[] = []
  const broken = { by: 0n }
  const usage = {
    watermark: () => site.usage.watermark(),
    read: async (asked: ReadingsAsked) =>
      (await site.usage.read(asked)).map((one) => ({ ...one, quantity: one.quantity + broken.by })),
  }
  const reconciler = new Reconciler({
    database: site.database,
    catalogue: site.catalogue,
    invoices: site.invoices,
    usage,
    recorded,
    log,
    alerts: {
      signal: (signal) => {
        told.push(signal)
        return Promise.resolve()
      },
    },
    now: () => site.clock.now,
  })
  const values = { bytes: 100n }
  /** One request, in the books that are named. */
  const request = (
    id: string,
    at: Date,
    books: { log?: boolean; event?: boolean; bytes?: bigint; receivedAt?: Date; tenant?: TenantId },
  ) => {
    const { tenant = ACME, receivedAt = at } = books
    if (books.log !== false) log.requests.push({ tenant, id, at, values })
    if (books.event === false) return
    const event = { tenant, source: '/gateway', id, at, receivedAt, counts: true }
    recorded.events.push({ ...event, values: { bytes: books.bytes ?? 100n } })
    site.usage.add({ source: '/gateway', id, tenant, meter: 'requests', time: at, units: 1n })
  }
  const run = async () => {
    const report = await reconciler.reconcile(ACME, JULY)
    return { ...report, said: report.findings.map(({ kind, about }) => `${kind}: ${about}`) }
  }
  return { ...site, request, run, told, broken }
}

test('where all three agree nothing is found', async (t) => {
  const site = await stage(t)
  for (let n = 0; n < 200; n += 1) {
    site.request(`r-${n}`, new Date(day('2026-07-01').getTime() + n * 13_000_000), {})
  }
  site.request('other', day('2026-07-02'), { event: false, tenant: GLOBEX })
  await site.invoices.finalise(ACME, JULY, 'ann')
  const report = await site.run()
  assert.deepEqual(report.said, [])
  assert.deepEqual([report.logged, report.metered, report.matched], [200, 200, 200])
  assert.equal(report.linesCompared, 1)
  assert.equal(site.told.at(-1)?.state, 'resolved')
})

test('what is missing, extra or different is named, event by event', async (t) => {
  const site = await stage(t)
  site.request('good', day('2026-07-03'), {})
  site.request('lost', day('2026-07-03'), { event: false })
  site.request('forged', day('2026-07-04'), { log: false })
  site.request('short', day('2026-07-05'), { bytes: 1n })
  const report = await site.run()
  assert.deepEqual(report.said.toSorted(), [
    'event-differs: /gateway short',
    'event-extra: /gateway forged',
    'event-missing: lost',
  ])
  assert.match(report.findings.find(({ kind }) => kind === 'event-differs')?.text ?? '', /100.*1/)
  assert.equal(site.told.at(-1)?.state, 'firing')
  assert.equal(site.told.at(-1)?.tenant, undefined)
})

test('a request that both name by another moment is one, also over midnight', async (t) => {
  const site = await stage(t)
  const midnight = day('2026-07-08').getTime()
  site.request('r', new Date(midnight - 3), { event: false })
  site.request('r', new Date(midnight + 3), { log: false })
  assert.deepEqual((await site.run()).said, [])
})

test('what is young is waited for, and what stays away is found', async (t) => {
  const site = await stage(t)
  site.clock.now = new Date('2026-07-10T12:00:00Z')
  site.request('young', new Date('2026-07-10T11:50:00Z'), { event: false })
  const first = await site.run()
  assert.deepEqual([first.said, first.pending], [[], 1])
  site.clock.now = new Date('2026-07-10T12:10:00Z')
  site.usage.completeUntil(new Date('2026-07-10T11:45:00Z'))
  assert.equal((await site.run()).pending, 1)
  site.usage.completeUntil(new Date('2026-07-10T12:00:00Z'))
  assert.deepEqual((await site.run()).said, ['event-missing: young'])
})

test('a meter that says something else than its events is found', async (t) => {
  const site = await stage(t)
  site.request('r', day('2026-07-03'), {})
  site.broken.by = 5n
  assert.deepEqual((await site.run()).said, ['meter-differs: draft calls'])
})

test('events that came after the invoice explain it, and are named; nothing else does', async (t) => {
  const site = await stage(t)
  site.request('in-time', day('2026-07-03'), {})
  await site.invoices.finalise(ACME, JULY, 'ann')
  site.clock.now = day('2026-08-05')
  site.request('late', day('2026-07-30'), { receivedAt: day('2026-08-04') })
  const report = await site.run()
  assert.deepEqual(report.said, ['invoice-behind: RF-000001 calls'])
  assert.deepEqual(report.findings[0]?.events, ['/gateway late'])
  assert.equal(site.told.at(-1)?.state, 'resolved')
  const odd = await stage(t)
  odd.request('in-time', day('2026-07-03'), {})
  await odd.invoices.finalise(ACME, JULY, 'ann')
  odd.request('backdated', day('2026-07-30'), { receivedAt: day('2026-07-30') })
  assert.deepEqual((await odd.run()).said, ['invoice-differs: RF-000001 calls'])
})

test('a finding is kept until it is not found any more', async (t) => {
  const site = await stage(t)
  site.request('lost', day('2026-07-03'), { event: false })
  await site.run()
  site.clock.now = day('2026-08-03')
  await site.run()
  site.request('lost', day('2026-07-03'), { log: false })
  site.clock.now = day('2026-08-04')
  await site.run()
  const rows = await site.database.query<Record<string, unknown>>(
    'select kind, first_seen, last_seen, resolved_at from billing.finding',
  )
  assert.deepEqual(rows, [
    {
      kind: 'event-missing',
      first_seen: day('2026-08-02'),
      last_seen: day('2026-08-03'),
      resolved_at: day('2026-08-04'),
    },
  ])
})
