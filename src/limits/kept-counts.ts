import type { TenantId } from '../core/tenant.ts'
import type { Count } from './count.ts'
import type { LimitKey } from './limit-key.ts'

export interface KeptCountsOptions {
  /** Counts for what callers choose (users, clients, addresses), in all and of one tenant. */
  readonly max: number
  readonly maxPerTenant: number
  /** What a tenant has room for whatever others use. */
  readonly leastPerTenant: number
}

/** A count, and where it is kept, or would be. */
export interface Kept {
  readonly tenant: TenantId
  readonly key: LimitKey
  readonly count: Count
  /** Callers choose how many of these there are. Of the others there are as many as limits. */
  readonly chosen: boolean
}

/** Entries that are looked at when one is added: more than one, so that idle ones become fewer. */
const SWEPT = 4
/** So few are left lying: to forget them and to make them anew with every request takes more than they do. */
const LEFT_LYING = 1_000
/** But no more than this part of the room. */
const LEFT_LYING_PART = 1 / 16

/**
 * Counts in bounded memory. Only what is as good as new is forgotten, so that nobody gets anything
 * for making others be forgotten; and no tenant's callers take another's room.
 */
export class KeptCounts {
  readonly #options: KeptCountsOptions
  readonly #kept = new Map<LimitKey, Kept>()
  #hand = this.#kept.entries()
  readonly #chosen = new Map<TenantId, number>()
  #chosenTotal = 0
  readonly #leftLying: number

  constructor(options: KeptCountsOptions) {
    this.#options = options
    const room = Math.min(options.max, options.maxPerTenant)
    this.#leftLying = Math.min(LEFT_LYING, room * LEFT_LYING_PART)
  }

  get size(): number {
    return this.#kept.size
  }

  get(key: LimitKey): Kept | undefined {
    return this.#kept.get(key)
  }

  /** Whether another caller of a tenant can be counted apart. */
  hasRoom(tenant: TenantId): boolean {
    if (this.#isRoom(tenant)) return true
    this.#sweep(SWEPT)
    return this.#isRoom(tenant)
  }

  #isRoom(tenant: TenantId): boolean {
    const { max, maxPerTenant, leastPerTenant } = this.#options
    const own = this.#chosen.get(tenant) ?? 0
    return own < leastPerTenant || (own < maxPerTenant && this.#chosenTotal < max)
  }

  /** In the place of what was kept under its key. Nothing, where it is that already. */
  add(kept: Kept): void {
    const { tenant, key, chosen } = kept
    if (this.#kept.get(key) === kept) return
    if (this.#kept.size >= this.#leftLying) this.#sweep(SWEPT)
    this.#delete(key)
    this.#kept.set(key, kept)
    if (chosen) this.#addChosen(tenant, 1)
  }

  values(): IterableIterator<Kept> {
    return this.#kept.values()
  }

  /** Looks at the entries that were not looked at for longest: the hand goes round and round. */
  #sweep(steps: number): void {
    for (let left = steps; left > 0; left -= 1) {
      const { value, done } = this.#hand.next()
      if (done === true) {
        this.#hand = this.#kept.entries()
        return
      }
      const [key, { count }] = value
      if (count.idle) this.#delete(key)
    }
  }

  #delete(key: LimitKey): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    this.#kept.delete(key)
    if (kept.chosen) this.#addChosen(kept.tenant, -1)
  }

  #addChosen(tenant: TenantId, change: number): void {
    const now = (this.#chosen.get(tenant) ?? 0) + change
    if (now === 0) this.#chosen.delete(tenant)
    else this.#chosen.set(tenant, now)
    this.#chosenTotal += change
  }
}
