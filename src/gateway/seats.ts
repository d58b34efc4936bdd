import type { TenantId } from '../core/tenant.ts'

/** How many requests are under way, in all and for each tenant, so that none can take all. */
export class Seats {
  readonly #max: number
  readonly #maxPerTenant: number
  readonly #taken = new Map<TenantId, number>()
  #total = 0

  constructor(max: number, maxPerTenant: number) {
    this.#max = max
    this.#maxPerTenant = maxPerTenant
  }

  /** A function that gives the seat back (once), or why there is none. */
  take(tenant: TenantId): (() => void) | 'tenant' | 'all' {
    const own = this.#taken.get(tenant) ?? 0
    if (own >= this.#maxPerTenant) return 'tenant'
    if (this.#total >= this.#max) return 'all'
    this.#taken.set(tenant, own + 1)
    this.#total += 1
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#total -= 1
      const left = (this.#taken.get(tenant) ?? 1) - 1
      if (left > 0) this.#taken.set(tenant, left)
      else this.#taken.delete(tenant)
    }
  }
}
