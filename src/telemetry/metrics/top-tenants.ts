import type { TenantId } from '../../core/tenant.ts'

/** What series say of tenants that have none of their own. No tenant has such an id: ids have no underscore. */
export const OTHER = '_other'
export const NOBODY = '_none'

export interface TopTenantsOptions {
  /** Tenants with series of their own. Default 200. */
  readonly most: number
  /** Tenants that always have some, whatever their traffic; they count among the others' number. */
  readonly always: readonly TenantId[]
}

export const TOP_TENANTS: TopTenantsOptions = { most: 200, always: [] }

/** What of a round's traffic counts in the next: a burst is forgotten after some. */
const DECAY = 0.5
/** A tenant outside has to have so much more traffic than one inside: places are not to go to and fro. */
const MARGIN = 1.2

/**
 * Which tenants have series of their own: those with the most traffic, so that there are never more
 * series than were paid for, whoever comes. Who falls out begins again at nothing when it comes back,
 * which readers of counters take for a restart.
 */
export class TopTenants {
  readonly #most: number
  readonly #always: ReadonlySet<TenantId>
  readonly #traffic = new Map<TenantId, number>()
  readonly #in = new Set<TenantId>()

  constructor(options: Partial<TopTenantsOptions> = {}) {
    const { most, always } = { ...TOP_TENANTS, ...options }
    this.#most = Math.max(0, Math.floor(most))
    this.#always = new Set(always.slice(0, this.#most))
    for (const tenant of this.#always) this.#in.add(tenant)
  }

  /** Whether a tenant has series of its own now. While there is room, whoever comes first has. */
  has(tenant: TenantId): boolean {
    if (this.#in.has(tenant)) return true
    if (this.#in.size >= this.#most) return false
    this.#in.add(tenant)
    return true
  }

  /**
   * Gives places to those with the most traffic since the last round.
   * @param traffic by tenant, since the last round
   * @returns who has lost its place
   */
  rank(traffic: Iterable<readonly [TenantId, number]>): readonly TenantId[] {
    for (const [tenant, before] of this.#traffic) {
      const now = before * DECAY
      if (now < 1) this.#traffic.delete(tenant)
      else this.#traffic.set(tenant, now)
    }
    for (const [tenant, count] of traffic) {
      if (count > 0) this.#traffic.set(tenant, (this.#traffic.get(tenant) ?? 0) + count)
    }
    const weight = (tenant: TenantId) =>
      this.#always.has(tenant)
        ? Number.POSITIVE_INFINITY
        : (this.#traffic.get(tenant) ?? 0) * (this.#in.has(tenant) ? MARGIN : 1)
    const ranked = [...new Set([...this.#in, ...this.#traffic.keys()])]
      .map((tenant) => [tenant, weight(tenant)] as const)
      .toSorted(([, a], [, b]) => (a === b ? 0 : b - a))
      .slice(0, this.#most)
    const next = new Set(ranked.map(([tenant]) => tenant))
    const lost = [...this.#in].filter((tenant) => !next.has(tenant))
    for (const tenant of lost) this.#in.delete(tenant)
    for (const tenant of next) this.#in.add(tenant)
    return lost
  }
}
