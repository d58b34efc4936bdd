import { Admission } from '../limits/admission.ts'
import { HeldSeats } from '../limits/held-seats.ts'
import { Limiter } from '../limits/limiter.ts'
import type { SharedStore } from '../limits/shared-store.ts'
import type { GatewayLimits } from './limits.ts'

/** What one gateway remembers of how much was asked of it. */
export interface Limiting {
  readonly limiter: Limiter
  readonly held: HeldSeats
  readonly admission: Admission
  readonly concurrentPerTenant: number
  readonly upgradesPerTenant: number
  /** From 0 to 1: spreads the moments at which the refused come again. */
  readonly random: () => number
}

/** @param store where gateways count together; without one each counts by itself */
export function limitingOf(limits: GatewayLimits, store?: SharedStore): Limiting {
  return {
    limiter: new Limiter({
      store,
      max: limits.counts,
      maxPerTenant: limits.countsPerTenant,
      leastPerTenant: limits.countsPerTenantLeast,
    }),
    held: new HeldSeats(),
    admission: new Admission({
      seats: limits.concurrent,
      queue: limits.queue,
      queueMs: limits.queueMs,
    }),
    concurrentPerTenant: limits.concurrentPerTenant,
    upgradesPerTenant: limits.upgradesPerTenant,
    random: Math.random,
  }
}
