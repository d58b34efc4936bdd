import type { AlertIntake } from '../../alerts/alert.ts'
import { decimalOf, unitsOf } from '../../contracts/currency.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { UsageReadings } from '../../metering/usage-readings.ts'
import { z } from 'zod'
import { quantityOf } from '../invoices/rate-segments.ts'
import type { Invoices } from '../invoices/invoices.ts'
import { type Period, periodAt } from '../rating/period.ts'
import type { BillingDatabase } from '../store/billing-database.ts'
import { type Budget, budgetSchema, type BudgetState } from './budget.ts'

/** So many one tenant may have. */
const BUDGETS_MAX = 50

export interface BudgetsParts {
  readonly database: BillingDatabase
  readonly invoices: Pick<Invoices, 'preview'>
  readonly usage: UsageReadings
  readonly alerts: AlertIntake
  readonly now: () => Date
}

/** What tenants mean to spend, and who is told when it is gone. */
export class Budgets {
  readonly #parts: BudgetsParts

  constructor(parts: BudgetsParts) {
    this.#parts = parts
  }

  /** @throws RingfenceError `conflict` when there are too many */
  async put(tenant: TenantId, name: string, budget: Budget, by: string): Promise<void> {
    const { database, now } = this.#parts
    await database.transaction(async (tx) => {
      await tx.query('insert into billing.tenant (id) values ($1) on conflict do nothing', [tenant])
      await tx.query('select from billing.tenant where id = $1 for update', [tenant])
      await tx.query(
        `insert into billing.budget (tenant, name, definition, changed_at, by)
         values ($1, $2, $3, $4, $5)
         on conflict (tenant, name) do update
           set definition = excluded.definition, changed_at = excluded.changed_at, by = excluded.by`,
        [tenant, name, JSON.stringify(budget), now(), by],
      )
      // Told anew of what it is now.
      await tx.query('delete from billing.budget_notice where tenant = $1 and name = $2', [
        tenant,
        name,
      ])
      const [count] = await tx.query<{ count: number }>(
        'select count(*)::int as count from billing.budget where tenant = $1',
        [tenant],
      )
      if ((count?.count ?? 0) > BUDGETS_MAX) {
        throw new RingfenceError('conflict', `a tenant has at most ${BUDGETS_MAX} budgets`)
      }
    })
  }

  /** Not an error when there is none. */
  async remove(tenant: TenantId, name: string): Promise<void> {
    const { database } = this.#parts
    await database.query('delete from billing.budget where tenant = $1 and name = $2', [
      tenant,
      name,
    ])
  }

  /** All of a tenant's, and how much of each is gone in the month. */
  async states(tenant: TenantId): Promise<readonly BudgetState[]> {
    const { database, now } = this.#parts
    const rows = await database.query(
      'select name, definition from billing.budget where tenant = $1 order by name',
      [tenant],
    )
    const period = periodAt('month', now())
    const states: BudgetState[] = []
    for (const row of rows) {
      const { name, definition } = z
        .object({ name: z.string(), definition: budgetSchema })
        .parse(row)
      const spent = await this.#spent(tenant, definition, period)
      const whole = BigInt(definition.amount) * (definition.kind === 'usage' ? 1_000_000n : 1n)
      const percent = spent <= 0n ? 0 : Number((spent * 100n) / whole)
      states.push({ name, budget: definition, period: period.id, spent, percent })
    }
    return states
  }

  /** Tells whom it concerns of thresholds that were passed. Each is told once in a month. */
  async watch(tenant: TenantId): Promise<void> {
    const { database, alerts, now } = this.#parts
    for (const state of await this.states(tenant)) {
      const { name, period, percent, budget } = state
      const passed = budget.thresholds.filter((threshold) => percent >= threshold)
      if (passed.length === 0) continue
      const told = await database.query<{ threshold: number }>(
        `select threshold from billing.budget_notice
          where tenant = $1 and name = $2 and period = $3`,
        [tenant, name, period],
      )
      for (const threshold of passed) {
        if (told.some((one) => one.threshold === threshold)) continue
        // First the alert: said twice it is the same one.
        await alerts.signal({
          name: 'budget-spent',
          tenant,
          severity: threshold >= 100 ? 'critical' : 'warning',
          state: 'firing',
          labels: { budget: name, threshold: String(threshold), period },
          summary: `${threshold} % of the budget ${name} are spent: ${said(state)}`,
          at: now(),
          until: periodAt('month', now()).to,
        })
        await database.query(
          `insert into billing.budget_notice (tenant, name, period, threshold, at)
           values ($1, $2, $3, $4, $5) on conflict do nothing`,
          [tenant, name, period, threshold, now()],
        )
      }
    }
  }

  async #spent(tenant: TenantId, budget: Budget, period: Period): Promise<bigint> {
    const { usage, invoices } = this.#parts
    if (budget.kind === 'usage') {
      const { meter } = budget
      const { from, to } = period
      return quantityOf(usage, { tenant, meter, where: {}, from, to })
    }
    const drafts = await invoices.preview(tenant, period)
    return drafts.find(({ currency }) => currency === budget.currency)?.subtotal ?? 0n
  }
}

function said({ budget, spent }: BudgetState): string {
  return budget.kind === 'money'
    ? `${decimalOf(spent, budget.currency)} of ${decimalOf(BigInt(budget.amount), budget.currency)} ${budget.currency}`
    : `${unitsOf(spent)} of ${budget.amount} of ${budget.meter}`
}
