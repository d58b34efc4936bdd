import { type Clock, type Count, SYSTEM_CLOCK, type Taken } from './count.ts'
import { type Kept, KeptCounts, type KeptCountsOptions } from './kept-counts.ts'
import { type Caller, type LimitKey, limitKey, othersKey } from './limit-key.ts'
import { QuotaCount } from './quota-count.ts'
import { RateCount } from './rate-count.ts'
import type { Standing } from './rate-limit-fields.ts'
import { Reserve } from './reserve.ts'
import type { SharedStore } from './shared-store.ts'
import type { QuotaLimit, RateLimit } from './tenant-limits.ts'

export type CountedLimit = RateLimit | QuotaLimit

export interface Demand {
  readonly limit: CountedLimit
  readonly amount: number
  /** What must be left of it. Default: the amount. */
  readonly least?: number
}

export interface LimiterOptions extends KeptCountsOptions {
  /** Where limits that are shared are counted. Without it each process counts all of them by itself. */
  readonly store?: SharedStore | undefined
  readonly clock?: Clock
}

/** What came of a request's demands: all were taken, or none. */
export interface Verdict {
  /** The limit that there is not enough of. */
  readonly refused: (Standing & { readonly limit: CountedLimit }) | undefined
  /** The one that leaves the fewest; undefined where nothing is limited. */
  readonly tightest: Standing | undefined
}

/** What one gateway process counts of all callers. */
export class Limiter {
  readonly #kept: KeptCounts
  readonly #store: SharedStore | undefined
  readonly #clock: Clock

  constructor(options: LimiterOptions) {
    this.#kept = new KeptCounts(options)
    this.#store = options.store
    this.#clock = options.clock ?? SYSTEM_CLOCK
  }

  /** How many counts are remembered. */
  get size(): number {
    return this.#kept.size
  }

  /** Gateways among which a limit is divided that is not counted together. */
  get replicas(): number {
    return this.#store?.replicas ?? 1
  }

  /** Takes all that a request demands, or nothing. Waits only where others have to be asked. */
  take(caller: Caller, demands: readonly Demand[]): Verdict | Promise<Verdict> {
    if (demands.length === 0) return UNLIMITED
    // First what can be seen from here, so that nothing is taken for what is refused anyway.
    const found = this.#findAll(caller, demands)
    const refused = refusal(demands, found)
    if (refused !== undefined) return { refused, tightest: undefined }
    const isShared = this.#store !== undefined && demands.some(({ limit }) => limit.shared)
    return isShared ? this.#takeShared(caller, demands) : this.#settle(demands, found, undefined)
  }

  /** For what was taken and then refused for another reason than its own. */
  giveBack(caller: Caller, demands: readonly Demand[]): void {
    for (const { limit, amount } of demands) this.#find(caller, limit).count.giveBack(amount)
  }

  /** Counts what is known only afterwards. */
  settle(caller: Caller, limit: CountedLimit, amount: number): void {
    if (amount === 0) return
    const found = this.#find(caller, limit)
    found.count.settle(amount)
    this.#kept.add(found)
  }

  /** Gives back what it has of limits that others share. Close the store afterwards. */
  async close(): Promise<void> {
    const counts = [...this.#kept.values()].map(({ count }) => count)
    await Promise.all(counts.flatMap((count) => (count instanceof Reserve ? [count.close()] : [])))
  }

  async #takeShared(caller: Caller, demands: readonly Demand[]): Promise<Verdict> {
    const shared = demands.filter(({ limit }) => limit.shared)
    let tightest: Standing | undefined
    for (const [index, { limit, amount }] of shared.entries()) {
      const found = this.#find(caller, limit)
      // Remembered while it is asked for: others who come meanwhile are counted with it.
      this.#kept.add(found)
      const answer = found.count.take(amount)
      const taken = answer instanceof Promise ? await answer : answer
      if (!taken.allowed) {
        this.giveBack(caller, shared.slice(0, index))
        return { refused: { ...standingOf(limit, taken), limit }, tightest: undefined }
      }
      tightest = tighter(tightest, limit, taken)
    }
    // Of the others nothing was taken meanwhile, but by others.
    const own = demands.filter(({ limit }) => !limit.shared)
    const found = this.#findAll(caller, own)
    const refused = refusal(own, found)
    if (refused === undefined) return this.#settle(own, found, tightest)
    this.giveBack(caller, shared)
    return { refused, tightest: undefined }
  }

  /** In the turn in which it was seen that there is enough. */
  #settle(
    demands: readonly Demand[],
    found: readonly Kept[],
    before: Standing | undefined,
  ): Verdict {
    let tightest = before
    for (let index = 0; index < demands.length; index += 1) {
      const [demand, one] = [demands[index], found[index]]
      if (demand === undefined || one === undefined) continue
      const taken = one.count.settle(demand.amount)
      // Only once something was taken: what is idle may be forgotten at any time.
      this.#kept.add(one)
      tightest = tighter(tightest, demand.limit, taken)
    }
    return { refused: undefined, tightest }
  }

  #findAll(caller: Caller, demands: readonly Demand[]): readonly Kept[] {
    const found: Kept[] = []
    for (const { limit } of demands) found.push(this.#find(caller, limit))
    return found
  }

  #find(caller: Caller, limit: CountedLimit): Kept {
    const { id, per, spec } = limit
    const isChosen = per === 'user' || per === 'client' || per === 'address'
    let key = limitKey(id, per, caller)
    let known = this.#kept.get(key)
    let chosen = isChosen
    if (known === undefined && isChosen && !this.#kept.hasRoom(caller.tenant)) {
      key = othersKey(id, caller.tenant)
      known = this.#kept.get(key)
      chosen = false
    }
    const isShared = limit.shared && this.#store !== undefined
    if (known !== undefined && known.count instanceof Reserve === isShared) {
      if (known.count.adopt(spec)) return known
    }
    return { tenant: caller.tenant, key, count: this.#make(key, limit), chosen }
  }

  #make(key: LimitKey, { spec, shared }: CountedLimit): Count {
    if (shared && this.#store !== undefined) return new Reserve(key, spec, this.#store, this.#clock)
    return spec.kind === 'rate'
      ? new RateCount(spec, this.#clock)
      : new QuotaCount(spec, this.#clock)
  }
}

const UNLIMITED: Verdict = { refused: undefined, tightest: undefined }

function standingOf({ policy, label }: CountedLimit, taken: Taken): Standing {
  return { policy, label, taken }
}

/** The first that there is not enough of. */
function refusal(demands: readonly Demand[], found: readonly Kept[]): Verdict['refused'] {
  for (let index = 0; index < demands.length; index += 1) {
    const [demand, one] = [demands[index], found[index]]
    if (demand === undefined || one === undefined) continue
    const { limit, amount, least = amount } = demand
    if (one.count.has(least)) continue
    return { ...standingOf(limit, one.count.look(least)), limit }
  }
  return undefined
}

function tighter(one: Standing | undefined, limit: CountedLimit, taken: Taken): Standing {
  if (one !== undefined && taken.remaining >= one.taken.remaining) return one
  return standingOf(limit, taken)
}
