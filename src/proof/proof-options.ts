import type { Provable } from '../boundaries/boundary.ts'
import type { Tier } from '../core/tenant.ts'
import type { MutantReport, ProofSubject, StrikeReport, TierReport } from './proof-report.ts'

/** Tenants in a rehearsal: fewer than three show no third party, more than this only cost time. */
export const PROOF_TENANTS_MIN = 3
export const PROOF_TENANTS_MAX = 16
export const PROOF_TENANTS_DEFAULT = 3
/** Rehearsals side by side: while one waits for its servers, another has the program to itself. */
export const PROOF_CONCURRENCY_DEFAULT = 3
/** Seconds that one call of a boundary may take before its tier is given up as void. */
export const CALL_SECONDS_MAX_DEFAULT = 120

export interface ProofOptions {
  readonly boundaries: readonly Provable[]
  /** What the run proves something about; it goes into the evidence. At least one. */
  readonly subjects: readonly ProofSubject[]
  /** The version of Ringfence, for the report. */
  readonly toolVersion: string
  /** Default: every tier that a boundary has. */
  readonly tiers?: readonly Tier[]
  /** Tenants in each rehearsal, 3 to 16. Default 3. */
  readonly tenants?: number
  /** Whether to try the mutants. Default true. */
  readonly mutants?: boolean
  /** Run every attack on every mutant instead of stopping at the first that notices. Default false. */
  readonly thorough?: boolean
  /**
   * Ids of attacks and mutants to narrow the run to. Naming only attacks leaves mutants out; naming
   * only mutants keeps every attack.
   */
  readonly only?: readonly string[]
  /** Tiers whose rehearsals run side by side, 1 to 16. Default 3. */
  readonly concurrency?: number
  /** Strikes at once inside one rehearsal, 1 to 16. Default 1. */
  readonly strikesAtOnce?: number
  /**
   * Also inspect the boundaries as they are now, outside the rehearsals: all, or those of the engines
   * that are named. Default false.
   */
  readonly live?: boolean | readonly string[]
  /** Facts about where the run takes place, for the report: names and values without secrets. */
  readonly environment?: Readonly<Record<string, string>>
  /** Seconds that one call of a boundary may take. Default 120. */
  readonly callSecondsMax?: number
  readonly onProgress?: (event: ProofEvent) => void
  readonly signal?: AbortSignal
  readonly clock?: () => Date
}

/** What a run tells while it goes on. Totals are known from the first event. */
export type ProofEvent =
  | { readonly type: 'planned'; readonly tiers: readonly PlannedTier[] }
  | { readonly type: 'tier-started'; readonly engine: string; readonly tier: Tier }
  | {
      readonly type: 'strike'
      readonly engine: string
      readonly tier: Tier
      readonly strike: StrikeReport
    }
  | {
      readonly type: 'mutant'
      readonly engine: string
      readonly tier: Tier
      readonly mutant: MutantReport
    }
  | { readonly type: 'tier-finished'; readonly report: TierReport }

export interface PlannedTier {
  readonly engine: string
  readonly tier: Tier
  readonly strikes: number
  readonly mutants: number
}
