import { messageOf } from '../core/errors.ts'
import { Rounds } from '../core/rounds.ts'
import type { TenantId } from '../core/tenant.ts'
import { SCHEDULE } from './audit-entries.ts'
import type { Budgets } from './budgets/budgets.ts'
import type { UsageQuotas } from './budgets/usage-quotas.ts'
import type { BillingCatalogue } from './catalogue.ts'
import type { CostCollector } from './costs/cost-collector.ts'
import { type Invoices, periodsDue } from './invoices/invoices.ts'
import type { Payments } from './payments/payments.ts'
import { type Period, periodAt } from './rating/period.ts'
import type { Reconciler } from './reconcile/reconcile.ts'

/** How often what is done by itself is done. Milliseconds; 0 is never. */
export interface BillingTimes {
  /** Quotas and budgets of everybody. Default 10 s. */
  readonly watchMs: number
  /** Default 5 s. */
  readonly paymentsMs: number
  /** What tenants cost is read. The first time is soon after the start. Default an hour. */
  readonly costsMs: number
  /** All tenants, the present month and the one before. Default a day. */
  readonly reconcileMs: number
  /** Looks for periods to make final. Default 0: an operator does it. */
  readonly finaliseMs: number
  /** A period waits for so long after its end. Default 2 days. */
  readonly graceMs: number
}

export const BILLING_TIMES: BillingTimes = {
  watchMs: 10_000,
  paymentsMs: 5_000,
  costsMs: 3_600_000,
  reconcileMs: 86_400_000,
  finaliseMs: 0,
  graceMs: 2 * 86_400_000,
}

export interface ScheduleParts {
  readonly catalogue: BillingCatalogue
  readonly quotas: UsageQuotas
  readonly budgets: Budgets
  readonly invoices: Invoices
  readonly reconciler: Reconciler
  readonly collector: CostCollector
  readonly payments?: Payments | undefined
  readonly times: BillingTimes
  readonly now: () => Date
  readonly log: (line: string) => void
}

/** From the start to the first reading of costs, when there is time for it: cells may be starting too. */
const FIRST_COSTS_MS = 60_000

/** Everything of billing that happens by itself. One process of a platform runs it; two do no harm. */
export function billingSchedule(parts: ScheduleParts): readonly Rounds[] {
  const { times, catalogue, now, log, payments } = parts
  /** For each tenant of a period; one that fails does not keep others from it. */
  const each = async (
    period: Period,
    closed: () => boolean,
    work: (tenant: TenantId) => Promise<unknown>,
  ) => {
    for (const tenant of await catalogue.tenants(period)) {
      if (closed()) return
      await work(tenant).catch((error: unknown) => {
        log(`billing of ${tenant}: ${messageOf(error)}`)
      })
    }
  }
  const month = () => periodAt('month', now())
  const all: [number, (closed: () => boolean) => Promise<unknown>, first?: number][] = [
    [
      times.watchMs,
      async (closed) => {
        await each(month(), closed, (tenant) => parts.quotas.watch(tenant))
        await each(month(), closed, (tenant) => parts.budgets.watch(tenant))
      },
    ],
    [times.paymentsMs, async () => payments?.submitDue()],
    [times.costsMs, () => parts.collector.collect(), Math.min(times.costsMs, FIRST_COSTS_MS)],
    [
      times.reconcileMs,
      async (closed) => {
        const [before] = periodsDue(now())
        for (const period of before === undefined ? [month()] : [before, month()]) {
          await each(period, closed, (tenant) => parts.reconciler.reconcile(tenant, period))
        }
      },
    ],
    [
      times.finaliseMs,
      async (closed) => {
        for (const period of periodsDue(now())) {
          if (period.to.getTime() + times.graceMs > now().getTime()) continue
          await each(period, closed, async (tenant) => {
            // Who was on no plan of this kind of period has nothing to be made final.
            if ((await parts.invoices.preview(tenant, period)).length === 0) return
            await parts.invoices.finalise(tenant, period, SCHEDULE)
          })
        }
      },
    ],
  ]
  return all.flatMap(([ms, work, first]) =>
    ms > 0 ? [new Rounds({ what: 'billing', log, everyMs: ms, firstMs: first ?? ms }, work)] : [],
  )
}
