import type { TestContext } from 'node:test'
import { RingfenceError } from '../../core/errors.ts'
import { held } from '../../http/described-routes.test-support.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { ACME, billingSite, day, GLOBEX, PRICE } from '../billing-site.test-support.ts'
import { Budgets } from '../budgets/budgets.ts'
import { UsageQuotas } from '../budgets/usage-quotas.ts'
import { CostReports } from '../costs/cost-reports.ts'
import { priceBookSchema } from '../costs/price-book.ts'
import { MemoryLog, MemoryRecorded } from '../reconcile/memory-sides.test-support.ts'
import { Reconciler } from '../reconcile/reconcile.ts'
import { operatorBillingApi } from './operator-api.ts'
import { tenantBillingApi } from './tenant-api.ts'

const BOOK = priceBookSchema.parse({
  currency: 'EUR',
  rates: {},
  tiers: { pooled: { monthly: 100 }, bridge: { monthly: 500 }, silo: { monthly: 9_000 } },
})

/** Both routers over one site with two tenants that use much the same. */
export async function servedBilling(t: TestContext) {
  const site = await billingSite(t)
  site.catalogue.apply('basic', day('2026-01-01'), PRICE)
  for (const tenant of [ACME, GLOBEX]) {
    site.catalogue.put(tenant, 'basic', day('2026-01-01'))
    site.use(tenant, 1200, day('2026-07-03'))
  }
  site.usage.completeUntil(day('2026-08-02'))
  const { database, catalogue, usage, invoices } = site
  const now = () => site.clock.now
  const alerts = { signal: () => Promise.resolve() }
  const common = { database, catalogue, usage, invoices, now, alerts }
  const log: string[] = []
  const line = (text: string) => log.push(text)
  const tenantApi = tenantBillingApi({
    ...common,
    budgets: new Budgets(common),
    quotas: new UsageQuotas({ ...common, board: { post: () => Promise.resolve() } }),
    // In the place of the gateway's signed word: `acme tenant-admin`.
    callerOf: async (headers) => {
      const [tenant, ...roles] = (headers.get('caller') ?? '').split(' ')
      if (tenant === '') throw new RingfenceError('not_authenticated', 'who are you')
      return { tenant: parseTenantId(tenant), subject: 'ann', roles }
    },
    log: line,
  })
  const operatorApi = operatorBillingApi({
    invoices,
    reconciler: new Reconciler({
      ...common,
      log: new MemoryLog(),
      recorded: new MemoryRecorded(usage),
    }),
    costs: new CostReports({ ...common, book: BOOK, tierOf: () => Promise.resolve('pooled') }),
    operatorOf: async (headers, act) => {
      const token = headers.get('authorization')?.replace('Bearer ', '')
      if (token === 'writer' || (token === 'reader' && act === 'read')) return { name: token }
      if (token === 'reader') throw new RingfenceError('forbidden', 'this needs more')
      throw new RingfenceError('not_authenticated', 'present an operator’s token')
    },
    log: line,
  })
  return {
    ...site,
    tenantApi: held(tenantApi),
    operatorApi: held(operatorApi),
    operators: operatorApi,
    log,
  }
}
