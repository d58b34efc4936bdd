import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AlertSignalInput } from '../alerts/alert.ts'
import { until } from '../core/until.test-support.ts'
import { ACME, billingSite, day, GLOBEX, PRICE } from './billing-site.test-support.ts'
import { Budgets } from './budgets/budgets.ts'
import { UsageQuotas } from './budgets/usage-quotas.ts'
import { CostCollector } from './costs/cost-collector.ts'
import { MemoryRecorded } from './reconcile/memory-sides.test-support.ts'
import { Reconciler } from './reconcile/reconcile.ts'
import { billingSchedule, type BillingTimes } from './schedule.ts'

test('everything is done for everybody by itself, once it is due, and one who fails stops nobody', async (t) => {
  const site = await billingSite(t)
  const quotas = [{ name: 'calls', meter: 'requests', amount: 10, period: 'month', hard: true }]
  site.catalogue.apply('basic', day('2026-01-01'), { ...PRICE, quotas })
  for (const tenant of [ACME, GLOBEX]) site.catalogue.put(tenant, 'basic', day('2026-01-01'))
  site.use(GLOBEX, 10, day('2026-08-01'))
  const { database, catalogue, usage, invoices } = site
  const now = () => site.clock.now
  const log: string[] = []
  const posted: string[] = []
  const alerts = {
    // Nobody can be told of anything of acme's.
    signal: ({ tenant, labels }: AlertSignalInput) =>
      tenant === ACME || labels?.['tenant'] === ACME
        ? Promise.reject(new Error('deaf'))
        : Promise.resolve(),
  }
  site.use(ACME, 10, day('2026-08-01'))
  const common = { database, catalogue, usage, invoices, alerts, now }
  const times: BillingTimes = {
    ...{ watchMs: 5, paymentsMs: 0, costsMs: 0, reconcileMs: 5, finaliseMs: 5 },
    graceMs: 2 * 86_400_000,
  }
  const schedule = billingSchedule({
    catalogue,
    invoices,
    quotas: new UsageQuotas({
      ...common,
      board: {
        post: (tenant) => {
          posted.push(tenant)
          return Promise.resolve()
        },
      },
    }),
    budgets: new Budgets(common),
    reconciler: new Reconciler({ ...common, recorded: new MemoryRecorded(usage) }),
    collector: new CostCollector({ database, sources: [], now, log: () => undefined }),
    times,
    now,
    log: (line) => log.push(line),
  })
  assert.equal(schedule.length, 3)
  usage.completeUntil(day('2026-09-01'))
  for (const one of schedule) one.start()
  await until(() => posted.includes('globex'))
  await until(() => log.includes('billing of acme: deaf'))
  const reconciled = async () =>
    (await database.query(`select from billing.reconciliation where tenant = 'globex'`)).length
  await until(async () => (await reconciled()) === 2)
  // The grace is not over.
  assert.deepEqual(await invoices.list(GLOBEX, { limit: 5 }), [])
  site.clock.now = day('2026-08-04')
  await until(async () => (await invoices.list(GLOBEX, { limit: 5 })).length > 0)
  await Promise.all(schedule.map((one) => one.stop()))
  assert.equal((await invoices.list(GLOBEX, { limit: 5 })).length, 1)
  assert.ok(site.acts.every(({ by }) => by === 'schedule'))
})
