import type { TenantId } from '../../core/tenant.ts'

/**
 * What tenants cost: bytes kept (in byte-hours), time of engines and of gateways (in microseconds), bytes
 * sent to callers.
 */
export const COST_KINDS = ['storage', 'query', 'gateway', 'egress'] as const
export type CostKind = (typeof COST_KINDS)[number]

/** What something stood at when it was read. */
export interface CostSample {
  readonly tenant: TenantId
  readonly kind: CostKind
  /** A level holds until the next reading (bytes); a counter only rises, until it begins anew. */
  readonly form: 'level' | 'counter'
  readonly value: bigint
  /** Another one means that a counter has begun anew. */
  readonly epoch: string
}

/** Who measures: a cell, a gateway. No behaviour is switched on which engine it is. */
export interface CostSource {
  /** The same after a restart, and no other's. */
  readonly name: string
  /** @throws RingfenceError `engine_unavailable`, `timed_out` */
  sample(): Promise<readonly CostSample[]>
}
