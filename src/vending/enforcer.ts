import { RingfenceError } from '../core/errors.ts'
import type { LeaseId } from '../core/lease.ts'
import type { CellName, TenantId } from '../core/tenant.ts'
import type { Revocation, RevocationSource } from '../revocation/revocation.ts'
import type { Configuration, ConfigurationSource } from '../snapshot/snapshot.ts'
import { type Forbidden, forbiddenBy } from './forbidden-by.ts'
import type { Issued, IssuedLeases } from './issued-leases.ts'
import type { JournalEntry } from './journal-entry.ts'
import type { LeaseCache, LeaserOf } from './lease-cache.ts'
import { UntilDone } from './until-done.ts'

export interface EnforcerOptions {
  readonly configuration: ConfigurationSource
  readonly revocations: RevocationSource
  readonly leaserOf: LeaserOf
  readonly cache: LeaseCache
  readonly issued: IssuedLeases
  /** Writes down what was ended. */
  readonly record: (entry: JournalEntry) => Promise<void>
  readonly log: (line: string) => void
}

/**
 * Takes leases away that the configuration does not allow any more: of suspended and removed
 * tenants, of workloads that are gone or may do less; and those that were given on behalf of what is
 * revoked. It forgets them at once, so that nobody gets them again, and ends them at the engine,
 * however often that has to be tried.
 */
export class Enforcer {
  readonly #options: EnforcerOptions
  readonly #ending: UntilDone
  /** The platform's part as it was last seen: leases are looked through when it changes. */
  #platform: Configuration['platform'] | undefined
  /** Tenants whose leases were ended for not being served, and that have not been served since. */
  readonly #closed = new Set<TenantId>()
  /** Leases that are being ended because something was revoked. */
  readonly #revokedNow = new Set<LeaseId>()
  #stopped = false

  constructor(options: EnforcerOptions) {
    this.#options = options
    this.#ending = new UntilDone((what, error) => {
      const code = error instanceof RingfenceError ? error.code : 'internal'
      options.log(`could not end ${what}: ${code}; trying again`)
    })
  }

  /** Begins with what changed while no vending process ran. */
  start(): void {
    const { configuration, revocations, log } = this.#options
    configuration.onChange((changed, now) => {
      if (!this.#stopped) this.#changed(changed, now)
    })
    revocations.onNews((news) => {
      if (!this.#stopped) this.#revoked(news)
    })
    this.endRevoked(undefined)
    try {
      const now = configuration.current()
      const all = [...now.tenants()].filter(({ status }) => status === 'suspended')
      this.#changed(
        all.map(({ id }) => id),
        now,
      )
    } catch {
      // Nobody is served without a configuration, and the first one that comes is a change.
      log('no configuration yet')
    }
  }

  /** Ends the leases of a tenant, or of all, that stand on what is revoked. */
  endRevoked(tenant: TenantId | undefined, news: readonly Revocation[] = []): void {
    const { cache, issued, revocations } = this.#options
    const ended = issued.select(
      (lease) =>
        (tenant === undefined || lease.tenant === tenant || lease.behalf.standsOn(tenant)) &&
        !this.#revokedNow.has(lease.lease_id) &&
        lease.behalf.isEnded((token) => revocations.find(token), news),
    )
    if (ended.length === 0) return
    for (const { lease_id } of ended) this.#revokedNow.add(lease_id)
    cache.forget((_, id) => id !== undefined && this.#revokedNow.has(id))
    for (const lease of ended) this.end(lease, 'revoked')
  }

  #revoked(news: readonly Revocation[]): void {
    const all = news.some(({ kind }) => kind === 'everything')
    const tenants = new Set(news.map((one) => (one.kind === 'everything' ? undefined : one.tenant)))
    if (all) this.endRevoked(undefined, news)
    else for (const tenant of tenants) this.endRevoked(tenant, of(news, tenant))
  }

  /** Ends one lease at the engine, in the background, until it is ended. */
  end(lease: Issued, reason: Forbidden | 'taken-away' | 'revoked'): void {
    const { leaserOf, issued } = this.#options
    const { tenant, holder, lease_id, cell } = lease
    this.#ending.run(cell, `a lease of ${tenant}`, async () => {
      await leaserOf(cell).revoke(tenant, lease_id)
      issued.remove(lease_id)
      this.#revokedNow.delete(lease_id)
      await this.#record({ tenant, workload: holder, lease_id, cell, reason })
    })
  }

  /** Waits until nothing is left to be ended. */
  settled(): Promise<void> {
    return this.#ending.settled()
  }

  /** Waits for what is under way, and gives up the rest: the next process begins with it. */
  stop(): Promise<void> {
    this.#stopped = true
    return this.#ending.stop()
  }

  #changed(changed: readonly TenantId[], now: Configuration): void {
    const { cache, issued } = this.#options
    const tenants = new Set(changed)
    const all = now.platform !== this.#platform
    this.#platform = now.platform
    cache.forget(
      (order) => (all || tenants.has(order.tenant)) && forbiddenBy(now, order) !== undefined,
    )
    const wholly = new Set(changed.filter((id) => !isKnownAndServed(now, id)))
    for (const id of changed) {
      if (!wholly.has(id)) this.#closed.delete(id)
      else if (!this.#closed.has(id)) {
        this.#closed.add(id)
        this.#endTenant(id, now)
      }
    }
    for (const lease of issued.select(({ tenant }) => all || tenants.has(tenant))) {
      const reason = wholly.has(lease.tenant) ? undefined : forbiddenBy(now, lease)
      if (reason !== undefined) this.end(lease, reason)
    }
  }

  /** All that the tenant has, also what another vending process gave. */
  #endTenant(tenant: TenantId, now: Configuration): void {
    const known = this.#options.issued.select((lease) => lease.tenant === tenant)
    const entry = now.tenant(tenant)
    const cells = new Set<CellName>(known.map(({ cell }) => cell))
    if (entry !== undefined) cells.add(entry.cell)
    const reason = entry === undefined ? 'tenant-removed' : 'tenant-suspended'
    for (const cell of cells) {
      const here = known.filter((lease) => lease.cell === cell)
      this.#ending.run(cell, `the leases of ${tenant}`, async () => {
        const count = await this.#endAt(cell, tenant, here)
        if (count > 0) await this.#record({ tenant, cell, reason, count })
      })
    }
  }

  async #endAt(cell: CellName, tenant: TenantId, known: readonly Issued[]): Promise<number> {
    const { configuration, leaserOf, issued } = this.#options
    const leaser = leaserOf(cell)
    let count = 0
    if (servedNow(configuration, tenant)) {
      // It was let in again before this got through: what it has been given since then stays.
      for (const { lease_id } of known)
        count += (await leaser.revoke(tenant, lease_id)).leases.length
    } else count = (await leaser.revoke(tenant)).leases.length
    for (const { lease_id } of known) issued.remove(lease_id)
    return count
  }

  async #record(
    what: Pick<JournalEntry, 'tenant' | 'workload' | 'lease_id' | 'cell' | 'reason' | 'count'>,
  ): Promise<void> {
    const at = new Date().toISOString()
    await this.#options
      .record({ at, act: 'ended', request_id: '', verified: true, layer: layerOf(what), ...what })
      // It is ended all the same, and the engine's ledger says so.
      .catch(() => this.#options.log('the journal cannot be written'))
  }
}

function of(news: readonly Revocation[], tenant: TenantId | undefined): readonly Revocation[] {
  return news.filter((one) => one.kind !== 'everything' && one.tenant === tenant)
}

function layerOf({ reason }: Pick<JournalEntry, 'reason'>): JournalEntry['layer'] {
  return reason === 'revoked' ? 'context' : 'configuration'
}

function isKnownAndServed(now: Configuration, id: TenantId): boolean {
  const status = now.tenant(id)?.status
  return status === 'active' || status === 'paused'
}

function servedNow(configuration: ConfigurationSource, id: TenantId): boolean {
  try {
    return isKnownAndServed(configuration.current(), id)
  } catch {
    return false
  }
}
