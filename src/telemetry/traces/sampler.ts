import type { TenantId } from '../../core/tenant.ts'

export interface SamplerOptions {
  /** Of traces that begin here. 0 to 1. Default 0.01. */
  readonly ratio?: number
  /** Traces a second of one tenant that are kept because their caller says so. Default 5. */
  readonly parentsPerSecond?: number
  /** Spans a second of one tenant that are kept because something failed. Default 20. */
  readonly failuresPerSecond?: number
  readonly now?: () => number
}

const RATIO = 0.01
const PARENTS_PER_SECOND = 5
const FAILURES_PER_SECOND = 20
/** Keys whose budgets are known; the rest of a second they share one. */
const KEYS_MOST = 2_000

/**
 * Which traces are kept: those that a caller has sampled, a part of those that begin here, and whatever
 * failed. Callers are not to fill the store by setting a bit, nor by failing: both have a budget for
 * each tenant.
 */
export class Sampler {
  readonly #threshold: number
  readonly #parents: Budget
  readonly #failures: Budget

  constructor(options: SamplerOptions = {}) {
    const now = options.now ?? Date.now
    this.#threshold = Math.round((options.ratio ?? RATIO) * 2 ** 32)
    this.#parents = new Budget(options.parentsPerSecond ?? PARENTS_PER_SECOND, now)
    this.#failures = new Budget(options.failuresPerSecond ?? FAILURES_PER_SECOND, now)
  }

  /** Asked once for each trace, when it comes in. By its id, so that all who are asked agree. */
  keeps(
    tenant: TenantId | undefined,
    traceId: string,
    parentSampled: boolean | undefined,
  ): boolean {
    if (parentSampled === true && this.#parents.take(tenant)) return true
    if (parentSampled === false) return false
    // The last digits are the random ones, in every version of the recommendation.
    return Number.parseInt(traceId.slice(-8), 16) < this.#threshold
  }

  /** Asked of what failed and would not be kept. */
  keepsFailure(tenant: TenantId | undefined): boolean {
    return this.#failures.take(tenant)
  }
}

class Budget {
  readonly #perSecond: number
  readonly #now: () => number
  readonly #spent = new Map<string, number>()
  #second = 0

  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond
    this.#now = now
  }

  take(tenant: TenantId | undefined): boolean {
    const second = Math.floor(this.#now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#spent.clear()
    }
    let key: string = tenant ?? ''
    if (this.#spent.size >= KEYS_MOST && !this.#spent.has(key)) key = ''
    const spent = this.#spent.get(key) ?? 0
    if (spent >= this.#perSecond) return false
    this.#spent.set(key, spent + 1)
    return true
  }
}
