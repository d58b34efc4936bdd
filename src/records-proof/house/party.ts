import { randomBytes } from 'node:crypto'
import { type PlanName, parsePlanName } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'

/** One tenant of a rehearsal, with all that is its own. */
export interface Party {
  readonly tenant: TenantId
  /** In entries of its log: an actor, and the id of a request. */
  readonly entryCanary: string
  /** A value that its usage is told apart by. */
  readonly usageCanary: string
  /** A line of its invoices. */
  readonly invoiceCanary: string
  /** The name of a budget. */
  readonly budgetCanary: string
  /** Where its log and its alerts are sent. */
  readonly sinkCanary: string
  /** Nobody else is on it. */
  readonly plan: PlanName
}

export function makeParty(tenant: TenantId): Party {
  const random = () => randomBytes(8).toString('hex')
  return {
    tenant,
    entryCanary: `entry-canary-${random()}`,
    usageCanary: `usage-canary-${random()}`,
    invoiceCanary: `invoice-canary-${random()}`,
    budgetCanary: `budget-canary-${random()}`,
    sinkCanary: `sink-canary-${random()}`,
    plan: parsePlanName(`plan-${random()}`),
  }
}

/** What nobody but the tenant's own people may read. */
export function canariesOf(party: Party): readonly string[] {
  const { entryCanary, usageCanary, invoiceCanary, budgetCanary, sinkCanary, plan } = party
  return [entryCanary, usageCanary, invoiceCanary, budgetCanary, sinkCanary, plan]
}
