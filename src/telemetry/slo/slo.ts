import { z } from 'zod'
import { parsePlanName } from '../../core/names.ts'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId } from '../../core/tenant.ts'

/** Days that a budget is for. */
const DAYS_MAX = 90

/**
 * A promise of the platform to its tenants: so large a part of requests is good. It stands in the
 * platform's own manifest: what is promised is the operator's to say, and no tenant can weaken it for
 * itself or see another's.
 */
export const sloSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/)
      .max(40),
    /** Whose: all tenants' of these plans, and these tenants'. Neither: every tenant's. */
    plans: z.array(parsed(parsePlanName)).default([]),
    tenants: z.array(parsed(parseTenantId)).default([]),
    /** Which plane's requests are counted. */
    plane: z.enum(['gateway', 'vending', 'identity', 'control']).default('gateway'),
    /** Without it: a request is good unless it failed here (5xx). With it: when it took less than this. */
    latencyMs: z.number().positive().max(60_000).exactOptional(),
    /** Part of requests that is good, as `99.9`. */
    percent: z.number().gt(0).lt(100),
    days: z.int().min(1).max(DAYS_MAX).default(30),
    /** The tenant hears of its own alerts as well as the operator. */
    tellTenant: z.boolean().default(false),
  })
  .readonly()
export type Slo = z.output<typeof sloSchema>

export const slosSchema = z
  .array(sloSchema)
  .max(50)
  .refine((slos) => new Set(slos.map(({ name }) => name)).size === slos.length, {
    message: 'two objectives have one name',
  })

/** Part of requests that may be bad. */
export function budgetOf({ percent }: Pick<Slo, 'percent'>): number {
  return 1 - percent / 100
}

export function isFor(
  { plans, tenants }: Slo,
  { id, plan }: { readonly id: string; readonly plan: string },
): boolean {
  if (plans.length === 0 && tenants.length === 0) return true
  return plans.some((one) => one === plan) || tenants.some((one) => one === id)
}
