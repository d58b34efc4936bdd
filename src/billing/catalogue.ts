import type { Price } from '../contracts/price.ts'
import type { PlanName } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import type { Span } from './rating/period.ts'

/** A stretch in which a tenant was on a plan, and is billed for it. */
export interface PlanSpan extends Span {
  readonly plan: PlanName
}

/** One generation of a plan's manifest. */
export interface PriceVersion {
  readonly plan: PlanName
  readonly generation: number
  readonly appliedAt: Date
  /** Undefined where the generation has none: from then on nothing is billed. */
  readonly price: Price | undefined
}

/**
 * Who was on which plan when, and what plans cost: as it was registered, with all of its past. Every moment
 * is a whole minute, as usage is read.
 */
export interface BillingCatalogue {
  /** Whoever was on a plan in the span. */
  tenants(span: Span): Promise<readonly TenantId[]>
  /** Of the present customer of the id, in order, without overlaps. The present one ends at `FOREVER`. */
  spans(tenant: TenantId): Promise<readonly PlanSpan[]>
  /** Since when the id is this customer's: it may have been an erased one's before. */
  since(tenant: TenantId): Promise<Date>
  /** All generations, in order. Empty for a plan that was never applied. */
  versions(plan: PlanName): Promise<readonly PriceVersion[]>
}

/** The last moment that a Date can hold. */
export const FOREVER = new Date(8.64e15)
