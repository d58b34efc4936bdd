import type { TenantId } from '../core/tenant.ts'
import type { BillingDatabase } from './store/billing-database.ts'

/**
 * Forgets what is kept of a tenant that nobody has to keep: budgets, what gateways were told, findings,
 * costs, and how the payment provider calls it, so that who has the id next is another customer there.
 * Invoices, and what became of them, stay.
 */
export async function eraseBilling(
  database: Pick<BillingDatabase, 'transaction'>,
  tenant: TenantId,
): Promise<void> {
  await database.transaction(async (tx) => {
    for (const table of [
      'budget',
      'quota_state',
      'finding',
      'reconciliation',
      'cost',
      'cost_mark',
      'payment_customer',
    ]) {
      await tx.query(`delete from billing.${table} where tenant = $1`, [tenant])
    }
  })
}
