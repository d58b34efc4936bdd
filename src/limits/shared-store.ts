import type { QuotaSpec } from './quota-count.ts'
import type { RateSpec } from './rate-count.ts'

export type SharedSpec = RateSpec | QuotaSpec

/** What a gateway asks of a limit that it shares with others. */
export interface Wish {
  /** Units that requests wait for. */
  readonly need: number
  /** Units that it would like to have in hand besides. */
  readonly spare: number
  /** Units that were used already without being taken; less than none gives back. */
  readonly owed: number
}

/** What it gets: taken from the limit, whether or not it is ever used. */
export interface Grant {
  readonly granted: number
  /** Units that are left for all. */
  readonly remaining: number
  /** Until the whole limit is there again. */
  readonly resetMs: number
  /** Until there can be one more. */
  readonly waitMs: number
}

/** Where gateways count together. */
export interface SharedStore {
  /** Gateways that count here, this one among them; when it cannot be known, the last that were known. */
  readonly replicas: number
  /** True while it cannot be asked. */
  readonly away: boolean
  /**
   * @param key with the period that it is, for a quota
   * @param lifeMs how long a quota's count is kept
   * @throws whatever it fails with; it is away then
   */
  take(key: string, spec: SharedSpec, wish: Wish, lifeMs: number): Promise<Grant>
  close(): Promise<void>
}
