import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ACME, billingSite, day, GLOBEX, PRICE } from '../billing-site.test-support.ts'
import { parsePeriod } from '../rating/period.ts'
import { CostCollector } from './cost-collector.ts'
import { COST_METERS, withCostMeters } from './cost-meters.ts'
import { CostReports } from './cost-reports.ts'
import type { CostSample } from './cost-source.ts'
import { priceBookSchema } from './price-book.ts'
import { adviceFor, costByTier } from './tier-advice.ts'

const JULY = parsePeriod('2026-07')
const GIB = 1024n ** 3n
const BOOK = priceBookSchema.parse({
  currency: 'EUR',
  rates: {
    storage: { amount: 10, per: Number(GIB * 24n * 31n) },
    query: { amount: 36, per: 3_600_000_000 },
  },
  tiers: {
    pooled: { monthly: 0 },
    bridge: { monthly: 500 },
    silo: { monthly: 10_000, covers: ['storage', 'query'] },
  },
  shared: [{ name: 'gateways', monthly: 3000, meter: 'requests' }],
})

test('levels are kept for the time between readings, counters by what came since, also after they begin anew', async (t) => {
  const site = await billingSite(t)
  let samples: CostSample[] = []
  const failing = { now: false }
  const log: string[] = []
  const collector = new CostCollector({
    database: site.database,
    sources: [
      {
        name: 'eu-1',
        sample: () => (failing.now ? Promise.reject(new Error('away')) : Promise.resolve(samples)),
      },
    ],
    now: () => site.clock.now,
    log: (line) => log.push(line),
  })
  const read = async (at: string, bytes: bigint, time: bigint, epoch = 'a') => {
    site.clock.now = new Date(at)
    const storage = { kind: 'storage', form: 'level', value: bytes, epoch: '' } as const
    const query = { kind: 'query', form: 'counter', value: time, epoch } as const
    samples = [storage, query].map((one) => ({ tenant: ACME, ...one }))
    await collector.collect()
  }
  await read('2026-07-01T00:00:00Z', 100n, 5_000n)
  await read('2026-07-01T10:00:00Z', 300n, 8_000n)
  failing.now = true
  await read('2026-07-01T11:00:00Z', 0n, 0n)
  failing.now = false
  await read('2026-07-01T12:00:00Z', 300n, 9_000n)
  await read('2026-07-01T13:00:00Z', 300n, 400n, 'b')
  await read('2026-07-01T13:00:01Z', 300n, 300n, 'b')
  await collector.collect()
  const rows = await site.database.query(
    'select tenant, kind, quantity::text as quantity from billing.cost order by kind',
  )
  assert.deepEqual(rows, [
    { tenant: 'acme', kind: 'query', quantity: '4400' },
    { tenant: 'acme', kind: 'storage', quantity: '2900' },
  ])
  assert.deepEqual(log, ['costs of eu-1: away'])
})

test('a report has each part, the revenue, the margin, and who pays how much of what is shared', async (t) => {
  const site = await billingSite(t)
  site.catalogue.apply('basic', day('2026-01-01'), PRICE)
  for (const tenant of [ACME, GLOBEX]) site.catalogue.put(tenant, 'basic', day('2026-01-01'))
  site.use(ACME, 300, day('2026-07-03'))
  site.use(GLOBEX, 100, day('2026-07-03'))
  const { database, catalogue, invoices, usage } = site
  await database.query(`insert into billing.tenant values ('acme')`)
  await database.query(`insert into billing.cost (tenant, day, kind, source, quantity) values
    ('acme', '2026-07-05', 'query', 'eu-1', 7200000000),
    ('acme', '2026-07-06', 'storage', 'eu-1', ${GIB * 24n * 31n * 20n}),
    ('acme', '2026-08-01', 'query', 'eu-1', 999999999999)`)
  const parts = { database, catalogue, invoices, usage }
  const reports = new CostReports({ ...parts, book: BOOK, tierOf: async () => 'pooled' })
  const [acme, globex] = await reports.of(JULY)
  assert.ok(acme !== undefined && globex !== undefined)
  const costs = Object.fromEntries(acme.parts.map(({ name, cost }) => [name, cost]))
  assert.deepEqual(costs, {
    'tier pooled': 0n,
    storage: 200n,
    query: 72n,
    gateway: 0n,
    egress: 0n,
    gateways: 2250n,
  })
  assert.deepEqual([acme.cost, acme.revenue, acme.margin], [2522n, 3140n, 618n])
  assert.equal(acme.marginPercent, 19)
  assert.deepEqual(acme.byTier, { pooled: 272n, bridge: 772n, silo: 10_000n })
  assert.match(acme.advice?.text ?? '', /not measured: gateway, egress$/)
  assert.equal(acme.advice?.why, 'crowds')
  assert.deepEqual([globex.tenant, globex.cost], ['globex', 750n])
  assert.deepEqual((await reports.of(JULY, 'globex')).length, 1)
  await assert.rejects(new CostReports({ ...parts, tierOf: async () => 'silo' }).of(JULY), {
    code: 'conflict',
  })
})

test('what gateways enter is measured by meters, and what nobody measured is said, and not called nothing', async (t) => {
  const site = await billingSite(t, {}, ['ringfence-egress', 'ringfence-gateway-time'])
  const { database, catalogue, invoices, usage } = site
  site.catalogue.apply('basic', day('2026-01-01'), PRICE)
  for (const tenant of [ACME, GLOBEX]) site.catalogue.put(tenant, 'basic', day('2026-01-01'))
  const time = day('2026-07-03')
  const used = { source: '/g', tenant: ACME, time }
  usage.add({ ...used, id: '1', meter: 'ringfence-egress', units: 3n * GIB })
  usage.add({ ...used, id: '2', meter: 'ringfence-gateway-time', units: 7_200_000_000n })
  await database.query(`insert into billing.tenant values ('acme'), ('globex')`)
  await database.query(`insert into billing.cost_mark (tenant, source, kind, value, epoch, at)
    values ('acme', 'eu-1', 'storage', 7, '', '2026-07-04'), ('acme', 'eu-1', 'query', 7, '', '2026-06-04')`)
  const rates = { ...BOOK.rates, gateway: { amount: 40, per: 3_600_000_000 } }
  const book = { ...BOOK, rates: { ...rates, egress: { amount: 9, per: Number(GIB) } } }
  const parts = { database, catalogue, invoices, usage, book }
  const reports = await new CostReports({ ...parts, tierOf: async () => 'pooled' }).of(JULY)
  const kinds = (tenant: string) =>
    reports
      .find((one) => one.tenant === tenant)
      ?.parts.slice(1, 5)
      .map(({ name, quantity, cost, measured }) => [name, quantity, cost, measured])
  assert.deepEqual(kinds('acme'), [
    ['storage', 0n, 0n, true],
    ['query', 0n, 0n, false],
    ['gateway', 7_200_000_000n, 80n, true],
    ['egress', 3n * GIB, 27n, true],
  ])
  assert.deepEqual(kinds('globex'), [
    ['storage', 0n, 0n, false],
    ['query', 0n, 0n, false],
    ['gateway', 0n, 0n, true],
    ['egress', 0n, 0n, true],
  ])
})

test('a platform’s meter that is called like ours is not measured in its place', () => {
  const [ours] = COST_METERS
  assert.ok(ours !== undefined)
  const theirs = { ...ours, events: ['dev.example.nothing'] }
  assert.deepEqual(withCostMeters([theirs]), COST_METERS)
})

test('advice is to move where it costs a fifth less, and never to where it costs more', () => {
  const quantity = fc.bigInt({ min: 0n, max: 10n ** 16n })
  fc.assert(
    fc.property(
      fc.constantFrom('pooled' as const, 'bridge' as const, 'silo' as const),
      fc.record({ storage: quantity, query: quantity, gateway: quantity, egress: quantity }),
      quantity,
      (tier, used, others) => {
        const costs = costByTier(BOOK, used, JULY)
        const advice = adviceFor(tier, costs, used, used.query + others)
        if (advice?.why === 'cheaper') {
          assert.ok((costs[tier] - costs[advice.move]) * 5n >= costs[tier])
        }
        if (advice?.why === 'crowds') assert.ok(used.query * 4n >= used.query + others)
        assert.notEqual(advice?.move, tier)
      },
    ),
    { numRuns: 300 },
  )
  const small = { storage: 0n, query: 0n, gateway: 0n, egress: 0n }
  const advice = adviceFor('silo', costByTier(BOOK, small, JULY), small, 0n)
  assert.deepEqual([advice?.move, advice?.why], ['pooled', 'cheaper'])
  assert.match(advice?.text ?? '', /10000 .* 0 as pooled/)
})
