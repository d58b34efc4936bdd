/** How much may be kept. */
export interface ShareLimits {
  readonly perTenant: number
  readonly altogether: number
}

/**
 * A map that cannot be filled up: what was not asked for longest goes first, and it is the tenant that
 * brings something new that loses something, so that nobody pushes out another's. Only a tenant that has
 * nothing yet takes a place from whoever has most.
 */
export class TenantShares<V> {
  readonly #limits: ShareLimits
  readonly #tenants = new Map<string, Map<string, V>>()
  #size = 0

  constructor(limits: ShareLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#size
  }

  /** Counts as asked for. */
  get(tenant: string, key: string): V | undefined {
    const own = this.#tenants.get(tenant)
    const value = own?.get(key)
    if (own === undefined || value === undefined) return undefined
    own.delete(key)
    own.set(key, value)
    return value
  }

  getOrMake(tenant: string, key: string, make: () => V): V {
    const known = this.get(tenant, key)
    if (known !== undefined) return known
    const value = make()
    this.#add(tenant, key, value)
    return value
  }

  delete(tenant: string, key: string): void {
    const own = this.#tenants.get(tenant)
    if (own?.delete(key) !== true) return
    this.#size -= 1
    if (own.size === 0) this.#tenants.delete(tenant)
  }

  /** All of a tenant's. */
  forget(tenant: string): void {
    this.#size -= this.#tenants.get(tenant)?.size ?? 0
    this.#tenants.delete(tenant)
  }

  *entries(): Generator<readonly [tenant: string, key: string, value: V]> {
    for (const [tenant, own] of this.#tenants) {
      for (const [key, value] of own) yield [tenant, key, value]
    }
  }

  #add(tenant: string, key: string, value: V): void {
    const { perTenant, altogether } = this.#limits
    const own = this.#tenants.get(tenant)
    if (own !== undefined && (own.size >= perTenant || this.#size >= altogether)) {
      this.#dropOldest(tenant, own)
    } else if (this.#size >= altogether) this.#dropOfLargest()
    const kept = this.#tenants.get(tenant) ?? new Map<string, V>()
    this.#tenants.set(tenant, kept)
    kept.set(key, value)
    this.#size += 1
  }

  #dropOfLargest(): void {
    let largest: readonly [string, Map<string, V>] | undefined
    for (const one of this.#tenants) {
      if (largest === undefined || one[1].size > largest[1].size) largest = one
    }
    if (largest !== undefined) this.#dropOldest(...largest)
  }

  #dropOldest(tenant: string, own: Map<string, V>): void {
    for (const key of own.keys()) {
      this.delete(tenant, key)
      return
    }
  }
}
