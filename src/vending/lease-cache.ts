import type { Leaser, Revocation } from '../boundaries/boundary.ts'
import type { Lease, LeaseId, Scope } from '../core/lease.ts'
import type { TenantId } from '../core/tenant.ts'

/** Where a tenant's credentials come from. @throws RingfenceError `tenant_unknown` */
export type LeaserOf = (tenant: TenantId) => Promise<Leaser>

export interface LeaseCacheOptions {
  readonly leaserOf: LeaserOf
  /** Written into the ledger of each lease: `vending-1`. */
  readonly holder: string
  /** Seconds that a new lease lives. */
  readonly ttlSeconds: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Told of renewals that failed in the background; the lease in hand goes on until it expires. */
  readonly onRenewalFailed?: (tenant: TenantId, error: unknown) => void
}

/** A lease is replaced in the background when less than this part of its life is left. */
const RENEW_WHEN_LEFT = 1 / 3
/** A lease with less life left than this is not handed out any more. Milliseconds. */
const LIFE_MIN_MS = 2_000

interface Entry {
  readonly lease: Lease
  renewing: boolean
}

/**
 * Hands out one lease per tenant and scope for as long as it lives, and replaces it before it
 * expires: the next one is opened on the tenant's other login while the old one still works, so that
 * rotation interrupts nobody. Concurrent requests for the same lease share one call to the engine.
 */
export class LeaseCache {
  readonly #options: LeaseCacheOptions
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()
  readonly #opening = new Map<string, Promise<Lease>>()
  /** Grows with each revocation, so that a lease opened before one is not cached after it. */
  readonly #revocations = new Map<TenantId, number>()

  constructor(options: LeaseCacheOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** @throws RingfenceError `tenant_unknown`, `lease_denied`, `engine_unavailable` */
  async get(tenant: TenantId, scope: Scope): Promise<Lease> {
    const id = `${scope}:${tenant}`
    const entry = this.#entries.get(id)
    if (entry === undefined) return this.#open(tenant, scope, id)
    const left = entry.lease.expires_at.getTime() - this.#now()
    if (left < LIFE_MIN_MS) {
      this.#entries.delete(id)
      return this.#open(tenant, scope, id)
    }
    if (left < entry.lease.lease_duration * 1000 * RENEW_WHEN_LEFT && !entry.renewing) {
      entry.renewing = true
      this.#open(tenant, scope, id).catch((error: unknown) => {
        entry.renewing = false
        this.#options.onRenewalFailed?.(tenant, error)
      })
    }
    return entry.lease
  }

  /** Whole seconds that a lease still lives: what a response says as `lease_duration`. */
  secondsLeft(lease: Lease): number {
    return Math.max(0, Math.floor((lease.expires_at.getTime() - this.#now()) / 1000))
  }

  /** Forgets the lease (or all of the tenant's) and ends it at the engine. */
  async revoke(tenant: TenantId, lease?: LeaseId): Promise<Revocation> {
    this.#revocations.set(tenant, (this.#revocations.get(tenant) ?? 0) + 1)
    for (const [id, entry] of this.#entries) {
      const hit =
        entry.lease.tenant === tenant && (lease === undefined || entry.lease.lease_id === lease)
      if (hit) this.#entries.delete(id)
    }
    const leaser = await this.#options.leaserOf(tenant)
    return leaser.revoke(tenant, lease)
  }

  #open(tenant: TenantId, scope: Scope, id: string): Promise<Lease> {
    const opening = this.#opening.get(id)
    if (opening !== undefined) return opening
    const fresh = this.#openNow(tenant, scope, id).finally(() => this.#opening.delete(id))
    this.#opening.set(id, fresh)
    return fresh
  }

  async #openNow(tenant: TenantId, scope: Scope, id: string): Promise<Lease> {
    const { leaserOf, holder, ttlSeconds } = this.#options
    const revocations = this.#revocations.get(tenant)
    const leaser = await leaserOf(tenant)
    const lease = await leaser.lease(tenant, { scope, ttlSeconds, holder })
    if (this.#revocations.get(tenant) === revocations) {
      this.#entries.set(id, { lease, renewing: false })
    }
    return lease
  }
}
