import { LEASE_TTL_SECONDS_MAX, type Lease, type LeaseId, type Scope } from '../core/lease.ts'
import type { CellName, TenantId } from '../core/tenant.ts'
import type { ClientId } from '../core/names.ts'
import { Behalf } from './behalf.ts'

/** What vending remembers of a lease that it gave. No secret. */
export interface Issued {
  readonly lease_id: LeaseId
  readonly tenant: TenantId
  readonly holder: ClientId
  readonly scope: Scope
  readonly cell: CellName
  readonly expires_at: Date
  readonly behalf: Behalf
}

/** How often expired leases are forgotten, in milliseconds. */
const TIDY_MS = 60_000

/** How much longer than it can live a lease is remembered, in milliseconds. */
const AFTER_MS = 60_000

interface Kept {
  readonly issued: Issued
  /** By the process's own clock. */
  readonly until: number
}

/**
 * The leases that this process, or one before it, gave and that may still live. None is forgotten sooner,
 * however the machine's clock is set: what is not remembered here cannot be ended when it is revoked.
 */
export class IssuedLeases {
  readonly #leases = new Map<LeaseId, Kept>()
  #tidiedAt = 0

  /** @param lifeMs how long it can live from now on. Default as long as any */
  add(issued: Issued, lifeMs = LEASE_TTL_SECONDS_MAX * 1000): void {
    this.#tidy()
    const until = performance.now() + lifeMs + AFTER_MS
    this.#leases.set(issued.lease_id, { issued, until })
  }

  find(lease: LeaseId): Issued | undefined {
    return this.#leases.get(lease)?.issued
  }

  /** Those for which `which` is true. */
  select(which: (issued: Issued) => boolean): readonly Issued[] {
    this.#tidy()
    return [...this.#leases.values()].map(({ issued }) => issued).filter(which)
  }

  remove(lease: LeaseId): void {
    this.#leases.delete(lease)
  }

  #tidy(): void {
    const now = performance.now()
    if (now - this.#tidiedAt < TIDY_MS) return
    this.#tidiedAt = now
    for (const [id, { until }] of this.#leases) if (until <= now) this.#leases.delete(id)
  }
}

export function issuedOf(lease: Lease, holder: ClientId): Issued {
  const { lease_id, tenant, scope, cell, expires_at } = lease
  return { lease_id, tenant, holder, scope, cell, expires_at, behalf: new Behalf() }
}
