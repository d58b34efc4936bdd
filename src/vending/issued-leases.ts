import type { Lease, LeaseId, Scope } from '../core/lease.ts'
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

/** The leases that this process, or one before it, gave and that still live. */
export class IssuedLeases {
  readonly #leases = new Map<LeaseId, Issued>()
  #tidiedAt = 0

  add(issued: Issued): void {
    this.#tidy()
    this.#leases.set(issued.lease_id, issued)
  }

  find(lease: LeaseId): Issued | undefined {
    const issued = this.#leases.get(lease)
    return issued !== undefined && issued.expires_at.getTime() > Date.now() ? issued : undefined
  }

  /** Those for which `which` is true. */
  select(which: (issued: Issued) => boolean): readonly Issued[] {
    this.#tidy()
    return [...this.#leases.values()].filter(which)
  }

  remove(lease: LeaseId): void {
    this.#leases.delete(lease)
  }

  #tidy(): void {
    const now = Date.now()
    if (now - this.#tidiedAt < TIDY_MS) return
    this.#tidiedAt = now
    for (const [id, { expires_at }] of this.#leases) {
      if (expires_at.getTime() <= now) this.#leases.delete(id)
    }
  }
}

export function issuedOf(lease: Lease, holder: ClientId): Issued {
  const { lease_id, tenant, scope, cell, expires_at } = lease
  return { lease_id, tenant, holder, scope, cell, expires_at, behalf: new Behalf() }
}
