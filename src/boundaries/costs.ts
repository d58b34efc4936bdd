import type { TenantId } from '../core/tenant.ts'

/** What a tenant's place stood at when it was read. */
export interface CostReading {
  readonly tenant: TenantId
  /** Bytes kept; microseconds for which the engine worked. */
  readonly kind: 'storage' | 'query'
  /** A level holds until the next reading; a counter only rises, until it begins anew. */
  readonly form: 'level' | 'counter'
  readonly value: bigint
  /** Another one means that a counter has begun anew. */
  readonly epoch: string
}

/**
 * A neighbour of the boundary: what tenants cost, as far as an engine measures it. It separates nobody, and
 * shows nothing of any tenant's data but how much there is.
 */
export interface CostMeter {
  /**
   * All tenants of the cell whose servers run. What the engine does not measure is left out; what it
   * measures is 0 for a tenant of whom there is nothing. It may read every row: ask seldom.
   * @throws RingfenceError `engine_unavailable`, `timed_out`
   */
  costs(): Promise<readonly CostReading[]>
}
