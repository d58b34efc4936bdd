import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AlertSignalInput } from '../../alerts/alert.ts'
import type { SpentQuota } from '../../contracts/spent-quota.ts'
import { ACME, billingSite, day, GLOBEX, PRICE } from '../billing-site.test-support.ts'
import { budgetSchema } from './budget.ts'
import { Budgets } from './budgets.ts'
import { UsageQuotas } from './usage-quotas.ts'

async function stage(t: TestContext, quotas: readonly object[] = []) {
  const site = await billingSite(t)
  site.catalogue.apply('basic', day('2026-01-01'), { ...PRICE, quotas })
  for (const tenant of [ACME, GLOBEX]) site.catalogue.put(tenant, 'basic', day('2026-01-01'))
  site.clock.now = day('2026-07-15')
  const told: AlertSignalInput[] = []
  const posted: [string, readonly SpentQuota[]][] = []
  const failing = { board: false }
  const common = {
    database: site.database,
    usage: site.usage,
    alerts: {
      signal: (signal: AlertSignalInput) => {
        told.push(signal)
        return Promise.resolve()
      },
    },
    now: () => site.clock.now,
  }
  const board = {
    post: (tenant: string, spent: readonly SpentQuota[]) => {
      if (failing.board) return Promise.reject(new Error('no board'))
      posted.push([tenant, spent])
      return Promise.resolve()
    },
  }
  return {
    ...site,
    budgets: new Budgets({ ...common, invoices: site.invoices }),
    quotas: new UsageQuotas({ ...common, catalogue: site.catalogue, board }),
    told,
    posted,
    failing,
    said: () => told.map(({ tenant, labels }) => `${String(tenant)} ${labels?.['threshold']}`),
  }
}

test('each threshold of a budget is told once a month, to its tenant', async (t) => {
  const site = await stage(t)
  const budget = budgetSchema.parse({ kind: 'usage', meter: 'requests', amount: 1000 })
  await site.budgets.put(ACME, 'calls', budget, 'ann')
  const watch = () => Promise.all([ACME, GLOBEX].map((one) => site.budgets.watch(one)))
  site.use(GLOBEX, 5000, day('2026-07-02'))
  site.use(ACME, 499, day('2026-07-02'))
  await watch()
  assert.deepEqual(site.said(), [])
  site.use(ACME, 301, day('2026-07-03'))
  await watch()
  await watch()
  assert.deepEqual(site.said(), ['acme 50', 'acme 80'])
  site.use(ACME, 200, day('2026-07-03'))
  await watch()
  assert.deepEqual(site.said(), ['acme 50', 'acme 80', 'acme 100'])
  assert.equal(site.told.at(-1)?.severity, 'critical')
  site.clock.now = day('2026-08-02')
  await watch()
  site.use(ACME, 600, day('2026-08-01'))
  await watch()
  assert.deepEqual(site.said().slice(3), ['acme 50'])
})

test('a budget of money is of what the invoice would be', async (t) => {
  const site = await stage(t)
  const budget = { kind: 'money', currency: 'EUR', amount: 4000, thresholds: [75, 90] }
  await site.budgets.put(ACME, 'bill', budgetSchema.parse(budget), 'ann')
  site.use(ACME, 200, day('2026-07-02'))
  const [state] = await site.budgets.states(ACME)
  assert.deepEqual([state?.spent, state?.percent], [3070n, 76])
  await site.budgets.watch(ACME)
  assert.deepEqual(site.said(), ['acme 75'])
  assert.match(site.told[0]?.summary ?? '', /30\.70 of 40\.00 EUR/)
  assert.deepEqual(await site.budgets.states(GLOBEX), [])
})

test('a budget that was changed is told of anew, and one that was removed of nothing', async (t) => {
  const site = await stage(t)
  const of = (amount: number) => budgetSchema.parse({ kind: 'usage', meter: 'requests', amount })
  site.use(ACME, 100, day('2026-07-02'))
  await site.budgets.put(ACME, 'calls', of(200), 'ann')
  await site.budgets.watch(ACME)
  await site.budgets.put(ACME, 'calls', of(190), 'ann')
  await site.budgets.watch(ACME)
  assert.deepEqual(site.said(), ['acme 50', 'acme 50'])
  await site.budgets.remove(GLOBEX, 'calls')
  assert.equal((await site.budgets.states(ACME)).length, 1)
  await site.budgets.remove(ACME, 'calls')
  assert.deepEqual(await site.budgets.states(ACME), [])
})

test('a quota that is used up is posted until its period ends, and taken down when it has', async (t) => {
  const quotas = [
    { name: 'calls', meter: 'requests', amount: 1000, period: 'month', hard: true },
    { name: 'daily', meter: 'requests', amount: 600, period: 'day' },
  ]
  const site = await stage(t, quotas)
  site.use(ACME, 600, day('2026-07-15'))
  await site.quotas.watch(ACME)
  await site.quotas.watch(GLOBEX)
  const daily = { name: 'daily', meter: 'requests', hard: false, until: '2026-07-16T00:00:00.000Z' }
  assert.deepEqual(site.posted, [['acme', [daily]]])
  site.use(ACME, 400, day('2026-07-15'))
  await site.quotas.watch(ACME)
  await site.quotas.watch(ACME)
  const calls = { name: 'calls', meter: 'requests', hard: true, until: '2026-08-01T00:00:00.000Z' }
  assert.deepEqual(site.posted.slice(1), [['acme', [calls, daily]]])
  site.clock.now = day('2026-07-16')
  await site.quotas.watch(ACME)
  site.clock.now = day('2026-08-01')
  await site.quotas.watch(ACME)
  assert.deepEqual(site.posted.slice(2), [
    ['acme', [calls]],
    ['acme', []],
  ])
  assert.deepEqual(
    site.told.map(({ labels, state }) => `${labels?.['quota']} ${state}`),
    ['daily firing', 'calls firing', 'daily resolved', 'calls resolved'],
  )
})

test('what could not be posted is posted the next time', async (t) => {
  const quotas = [{ name: 'calls', meter: 'requests', amount: 1, period: 'month', hard: true }]
  const site = await stage(t, quotas)
  site.use(ACME, 1, day('2026-07-15'))
  site.failing.board = true
  await assert.rejects(site.quotas.watch(ACME))
  assert.deepEqual([site.told.length, site.posted.length], [0, 0])
  site.failing.board = false
  await site.quotas.watch(ACME)
  assert.deepEqual([site.told.length, site.posted.length], [1, 1])
})

test('a quota counts nothing of an erased customer of the same id', async (t) => {
  const quotas = [{ name: 'calls', meter: 'requests', amount: 10, period: 'month', hard: true }]
  const site = await stage(t, quotas)
  site.use(ACME, 10, day('2026-07-01'))
  site.catalogue.reuse(ACME, day('2026-07-10'))
  site.catalogue.put(ACME, 'basic', day('2026-07-10'))
  await site.quotas.watch(ACME)
  assert.deepEqual(site.posted, [])
})

test('thresholds that do not rise, and amounts of nothing, are no budget', () => {
  const usage = { kind: 'usage', meter: 'requests', amount: 5 }
  for (const bad of [
    { ...usage, thresholds: [80, 50] },
    { ...usage, thresholds: [] },
    { ...usage, amount: 0 },
    { ...usage, amount: 1.5 },
    { kind: 'money', amount: 5, currency: 'XXX' },
  ]) {
    assert.equal(budgetSchema.safeParse(bad).success, false)
  }
})
