import type { Leaser } from '../boundaries/boundary.ts'
import { RingfenceError } from '../core/errors.ts'
import type { Lease, LeaseId, Scope } from '../core/lease.ts'
import { type Clocks, elapsedMs, type Moment, thisMoment } from '../core/moment.ts'
import type { CellName, TenantId, Tier } from '../core/tenant.ts'

/** Where a cell's credentials come from. @throws RingfenceError `engine_unavailable` */
export type LeaserOf = (cell: CellName) => Leaser

/** A lease as somebody wants it. Two orders that differ in anything never share one. */
export interface LeaseOrder {
  readonly tenant: TenantId
  readonly cell: CellName
  /** Where the tenant was said to live: a move makes all its leases new ones. */
  readonly tier: Tier
  readonly scope: Scope
  /** The workload that will hold it, as the ledger will name it. */
  readonly holder: string
  /** Seconds that a new lease lives at most. */
  readonly seconds: number
  /** For work without a user: which context it stands on, and when that ends. */
  readonly job?: { readonly id: string; readonly until: Date }
}

export interface LeaseCacheOptions {
  readonly leaserOf: LeaserOf
  /** Default this machine's. */
  readonly clocks?: Clocks
  /** Told of each lease that was opened, before anybody gets it. */
  readonly onOpened?: (lease: Lease, order: LeaseOrder) => void
  /** Ends a lease that was opened for something that was forgotten meanwhile, and tries until it is ended. */
  readonly end: (lease: Lease, order: LeaseOrder) => void
  /** Told of renewals that failed in the background; the lease in hand goes on until it expires. */
  readonly onRenewalFailed?: (tenant: TenantId, error: unknown) => void
}

/** A lease is replaced in the background when less than this part of its life is left. */
const RENEW_WHEN_LEFT = 1 / 3
/** One that has more than this part of its life left is not replaced when its holder asks for it. */
const YOUNG_WHEN_LEFT = 1 / 2
/** A lease with less life left than this is not handed out any more. Milliseconds. */
const LIFE_MIN_MS = 2_000
/** How often expired leases are forgotten, in milliseconds. */
const TIDY_MS = 60_000
/**
 * How many different leases of one tenant and scope a holder may have here at once: half of the
 * logins that an engine keeps for a tenant and scope, so that no workload takes all from the others.
 */
export const LEASES_PER_HOLDER = 4

interface Entry {
  readonly order: LeaseOrder
  readonly lease: Lease
  renewing: boolean
}

interface Opening {
  readonly order: LeaseOrder
  readonly lease: Promise<Lease>
  /** Set when what it was opened for was forgotten meanwhile: then it must reach nobody. */
  forgotten: boolean
}

/**
 * Hands out one lease per order for as long as it lives, and replaces it before it expires: the next
 * one is opened on another login while the old one still works, so that rotation interrupts nobody.
 * Concurrent requests for the same lease share one call to the engine.
 *
 * How long a lease still lives is measured from when it was asked for, by our own clocks: the engine's may
 * say another time, and each may be set while the lease lives.
 */
export class LeaseCache {
  readonly #options: LeaseCacheOptions
  readonly #clocks: Clocks
  /** By who holds what, and then by order. */
  readonly #shares = new Map<string, Map<string, Entry>>()
  #tidiedAt = 0
  readonly #opening = new Map<string, Opening>()
  readonly #askedAt = new WeakMap<Lease, Moment>()

  constructor(options: LeaseCacheOptions) {
    this.#options = options
    this.#clocks = options.clocks ?? thisMoment
  }

  /** @throws RingfenceError `tenant_unknown`, `lease_denied`, `tenant_not_active`, `engine_unavailable` */
  async get(order: LeaseOrder): Promise<{ readonly lease: Lease; readonly opened: boolean }> {
    const id = idOf(order)
    const entry = this.#entry(order, id)
    if (entry === undefined) {
      return { lease: await this.#open(order, id), opened: true }
    }
    if (!entry.renewing && this.#shouldRenew(entry.lease, order)) {
      entry.renewing = true
      this.#open(order, id).catch((error: unknown) => {
        entry.renewing = false
        this.#options.onRenewalFailed?.(order.tenant, error)
      })
    }
    return { lease: entry.lease, opened: false }
  }

  /**
   * The lease that takes the place of `old`: one that did already, or a new one. `old` itself while
   * it is young, or when a new one could not live longer. Errors as `get`.
   */
  async renew(
    order: LeaseOrder,
    old: { readonly lease_id: LeaseId },
  ): Promise<{ readonly lease: Lease; readonly opened: boolean }> {
    const id = idOf(order)
    const entry = this.#entry(order, id)
    if (entry === undefined || entry.lease.lease_id !== old.lease_id) return this.get(order)
    const young = this.#left(entry.lease) > entry.lease.lease_duration * 1000 * YOUNG_WHEN_LEFT
    if (young || !this.#livesLonger(entry.lease, order))
      return { lease: entry.lease, opened: false }
    return { lease: await this.#open(order, id), opened: true }
  }

  /** Whole seconds that a lease still lives: what an answer says as `lease_duration`. */
  secondsLeft(lease: Lease): number {
    return Math.max(0, Math.floor(this.#left(lease) / 1000))
  }

  /**
   * Hands out none of these any more, and ends at the engine those that are being opened now. The
   * leases that are out already are the caller's to end.
   */
  forget(which: (order: LeaseOrder, lease: LeaseId | undefined) => boolean): void {
    this.#keepWhere(({ order, lease }) => !which(order, lease.lease_id))
    for (const [id, opening] of this.#opening) {
      if (!which(opening.order, undefined)) continue
      opening.forgotten = true
      // The next caller opens one of its own, for what is in force then.
      this.#opening.delete(id)
    }
  }

  #entry(order: LeaseOrder, id: string): Entry | undefined {
    const entry = this.#shares.get(shareOf(order))?.get(id)
    return entry !== undefined && this.#left(entry.lease) >= LIFE_MIN_MS ? entry : undefined
  }

  #keepWhere(kept: (entry: Entry) => boolean): void {
    for (const [share, entries] of this.#shares) {
      for (const [id, entry] of entries) if (!kept(entry)) entries.delete(id)
      if (entries.size === 0) this.#shares.delete(share)
    }
  }

  #left(lease: Lease): number {
    const askedAt = this.#askedAt.get(lease)
    if (askedAt === undefined) return 0
    return lease.lease_duration * 1000 - elapsedMs(askedAt, this.#clocks())
  }

  #shouldRenew(lease: Lease, order: LeaseOrder): boolean {
    return (
      this.#left(lease) < lease.lease_duration * 1000 * RENEW_WHEN_LEFT &&
      this.#livesLonger(lease, order)
    )
  }

  #livesLonger(lease: Lease, order: LeaseOrder): boolean {
    return this.#secondsFor(order) * 1000 > this.#left(lease) + LIFE_MIN_MS
  }

  /** What a lease opened now may live. */
  #secondsFor({ seconds, job }: LeaseOrder): number {
    if (job === undefined) return seconds
    return Math.min(seconds, Math.floor((job.until.getTime() - this.#clocks().wall) / 1000))
  }

  #open(order: LeaseOrder, id: string): Promise<Lease> {
    const under = this.#opening.get(id)
    if (under !== undefined) return under.lease
    const { promise, resolve, reject } = Promise.withResolvers<Lease>()
    const opening: Opening = { order, lease: promise, forgotten: false }
    this.#opening.set(id, opening)
    this.#openNow(order, id, opening)
      .finally(() => {
        if (this.#opening.get(id) === opening) this.#opening.delete(id)
      })
      .then(resolve, reject)
    return promise
  }

  async #openNow(order: LeaseOrder, id: string, opening: Opening): Promise<Lease> {
    this.#tidy()
    this.#checkShare(order, id)
    const { tenant, cell, scope, holder } = order
    const ttlSeconds = this.#secondsFor(order)
    if (ttlSeconds < 1) throw new RingfenceError('lease_denied', 'the job has ended')
    const askedAt = this.#clocks()
    const lease = await this.#options.leaserOf(cell).lease(tenant, { scope, ttlSeconds, holder })
    this.#askedAt.set(lease, askedAt)
    this.#options.onOpened?.(lease, order)
    if (opening.forgotten) {
      this.#options.end(lease, order)
      throw new RingfenceError('tenant_not_active', 'the lease was taken away while it was opened')
    }
    const share = shareOf(order)
    const entries = this.#shares.get(share) ?? new Map<string, Entry>()
    this.#shares.set(share, entries.set(id, { order, lease, renewing: false }))
    return lease
  }

  #checkShare(order: LeaseOrder, id: string): void {
    const entries = this.#shares.get(shareOf(order)) ?? new Map<string, Entry>()
    for (const [other, { lease }] of entries) if (this.#left(lease) <= 0) entries.delete(other)
    if (!entries.has(id) && entries.size >= LEASES_PER_HOLDER) {
      throw new RingfenceError('lease_denied', 'the workload holds as many leases as it may')
    }
  }

  #tidy(): void {
    const now = this.#clocks().steady
    if (now - this.#tidiedAt < TIDY_MS) return
    this.#tidiedAt = now
    this.#keepWhere(({ lease }) => this.#left(lease) > 0)
  }
}

function shareOf({ tenant, scope, holder }: LeaseOrder): string {
  return [holder, tenant, scope].join(' ')
}

/** No part holds a space: names are labels, and a job's id is quoted. */
function idOf({ tenant, cell, tier, scope, holder, seconds, job }: LeaseOrder): string {
  return [holder, tenant, cell, tier, scope, seconds, JSON.stringify(job?.id ?? '')].join(' ')
}
