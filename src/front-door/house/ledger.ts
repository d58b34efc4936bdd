import { randomUUID } from 'node:crypto'
import type { Leaser, LeaseRecord, Revocation, Sweep } from '../../boundaries/boundary.ts'
import { RingfenceError } from '../../core/errors.ts'
import {
  type Lease,
  LEASE_TTL_SECONDS_DEFAULT,
  type LeaseId,
  type LeaseRequest,
} from '../../core/lease.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Ground } from './ground.ts'
import { CELL } from './settings.ts'

type Entry = { -readonly [K in keyof LeaseRecord]: LeaseRecord[K] }

/**
 * Stands where a cell stands: gives credentials that hold the tenant's canary, and keeps a ledger of
 * them. It believes whoever asks, as a cell believes vending, so that nothing but the front door
 * keeps a tenant from another's.
 */
export class Ledger implements Leaser {
  readonly #canaries: ReadonlyMap<TenantId, string>
  readonly #entries: Entry[] = []
  /** What a tenant's leases wait for before they are opened. */
  readonly #gates = new Map<TenantId, Promise<void>>()
  /** Whose leases are being opened. */
  readonly #waiting: TenantId[] = []

  constructor({ parties, suspended }: Ground) {
    this.#canaries = new Map(
      [...parties, suspended].map(({ tenant, leaseCanary }) => [tenant, leaseCanary]),
    )
  }

  async lease(tenant: TenantId, request: LeaseRequest): Promise<Lease> {
    this.#waiting.push(tenant)
    await this.#gates.get(tenant)
    this.#waiting.splice(this.#waiting.indexOf(tenant), 1)
    const canary = this.#canaries.get(tenant)
    if (canary === undefined) throw new RingfenceError('tenant_unknown', 'there is no such tenant')
    const { scope, holder, ttlSeconds = LEASE_TTL_SECONDS_DEFAULT } = request
    const lease_id = randomUUID() as string as LeaseId
    const issued_at = new Date()
    const expires_at = new Date(issued_at.getTime() + ttlSeconds * 1000)
    const lived = { ended_at: undefined, ended_why: undefined }
    this.#entries.push({ lease_id, tenant, scope, holder, issued_at, expires_at, ...lived })
    return {
      lease_id,
      lease_duration: ttlSeconds,
      renewable: true,
      tenant,
      boundary: 'ledger',
      tier: 'pooled',
      cell: CELL,
      scope,
      issued_at,
      expires_at,
      credential: {
        host: '127.0.0.1',
        port: 1,
        database: 'none',
        user: `${scope}-login`,
        password: canary,
      },
    }
  }

  async revoke(tenant: TenantId, lease?: LeaseId): Promise<Revocation> {
    const hit = this.live(tenant).filter(
      ({ lease_id }) => lease === undefined || lease_id === lease,
    )
    for (const entry of hit) {
      entry.ended_at = new Date()
      entry.ended_why = 'revoked'
    }
    return { leases: hit.map(({ lease_id }) => lease_id), sessionsEnded: 0 }
  }

  async leases(tenant: TenantId): Promise<readonly LeaseRecord[]> {
    return this.#entries.filter((entry) => entry.tenant === tenant).toReversed()
  }

  async sweep(): Promise<Sweep> {
    return { leasesExpired: 0, sessionsEnded: 0, overBudget: [] }
  }

  /** The leases of a tenant that would open something now. */
  live(tenant: TenantId): readonly Entry[] {
    return this.#entries.filter(
      (entry) =>
        entry.tenant === tenant &&
        entry.ended_at === undefined &&
        entry.expires_at.getTime() > Date.now(),
    )
  }

  /** How many leases of a tenant are being opened now. */
  waiting(tenant: TenantId): number {
    return this.#waiting.filter((one) => one === tenant).length
  }

  /** Lets no lease of a tenant be opened until the function that it returns is called. */
  hold(tenant: TenantId): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gates.set(tenant, promise)
    return () => {
      this.#gates.delete(tenant)
      resolve()
    }
  }
}
