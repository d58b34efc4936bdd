import { randomUUID } from 'node:crypto'
import type { Leaser, LeaseRecord, Revocation, Sweep } from '../boundaries/boundary.ts'
import { RingfenceError } from '../core/errors.ts'
import type { Lease, LeaseId, LeaseRequest } from '../core/lease.ts'
import { type CellName, parseCellName, type TenantId } from '../core/tenant.ts'

/** Occurs in every credential; it must occur in no log and no journal. */
export const CREDENTIAL_SECRET = 'planted-credential-9c1e'

/** A leaser that keeps the contract's promises in memory, and can be made to wait or to fail. */
export class MemoryLeaser implements Leaser {
  readonly records: { -readonly [K in keyof LeaseRecord]: LeaseRecord[K] }[] = []
  /** Thrown by every call while it is set. */
  failure: RingfenceError | undefined
  /** What a lease waits for before it is opened. */
  gate: Promise<void> = Promise.resolve()
  /** How many wait for it. */
  waiting = 0
  /** How often `revoke` was called. */
  revocations = 0
  readonly cell: CellName

  constructor(cell = 'eu-west-1') {
    this.cell = parseCellName(cell)
  }

  async lease(tenant: TenantId, request: LeaseRequest): Promise<Lease> {
    this.waiting += 1
    await this.gate
    this.waiting -= 1
    this.#answer()
    const seconds = request.ttlSeconds ?? 900
    const issued_at = new Date()
    const expires_at = new Date(issued_at.getTime() + seconds * 1000)
    const lease_id = randomUUID() as string as LeaseId
    const { scope, holder } = request
    this.records.push({
      lease_id,
      tenant,
      scope,
      holder,
      issued_at,
      expires_at,
      ended_at: undefined,
      ended_why: undefined,
    })
    return {
      lease_id,
      lease_duration: seconds,
      renewable: true,
      tenant,
      boundary: 'memory',
      tier: 'pooled',
      cell: this.cell,
      scope,
      issued_at,
      expires_at,
      credential: {
        host: 'db.internal',
        port: 5432,
        database: 'app',
        user: `${tenant}-${scope}`,
        password: `${CREDENTIAL_SECRET}-${lease_id}`,
      },
    }
  }

  async revoke(tenant: TenantId, lease?: LeaseId): Promise<Revocation> {
    this.revocations += 1
    this.#answer()
    const hit = this.records.filter(
      (record) =>
        record.tenant === tenant &&
        record.ended_at === undefined &&
        (lease === undefined || record.lease_id === lease),
    )
    for (const record of hit) {
      record.ended_at = new Date()
      record.ended_why = 'revoked'
    }
    return { leases: hit.map(({ lease_id }) => lease_id), sessionsEnded: 0 }
  }

  async leases(tenant: TenantId): Promise<readonly LeaseRecord[]> {
    this.#answer()
    return this.records.filter((record) => record.tenant === tenant).toReversed()
  }

  async sweep(): Promise<Sweep> {
    this.#answer()
    return { leasesExpired: 0, sessionsEnded: 0, overBudget: [] }
  }

  /** The leases that would open something now. */
  live(tenant?: string) {
    return this.records.filter(
      (record) =>
        (tenant === undefined || record.tenant === tenant) &&
        record.ended_at === undefined &&
        record.expires_at.getTime() > Date.now(),
    )
  }

  #answer(): void {
    if (this.failure !== undefined) throw this.failure
  }
}
