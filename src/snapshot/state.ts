import type { TenantId } from '../core/tenant.ts'
import { ConfigurationView } from './configuration-view.ts'
import { refused } from './seal.ts'
import type { Configuration, PlatformConfig, SnapshotRecord, TenantConfig } from './snapshot.ts'
import { TenantShelf } from './tenant-shelf.ts'

/** By so much the control plane's clock may be ahead of this process's. Milliseconds. */
export const FUTURE_MS_MAX = 300_000

/** What a chain of records amounts to. A record is taken whole or refused with nothing changed. */
export class SnapshotState {
  #version: number
  /** Of the newest change: what the next one names. */
  #hash: string
  #platform: PlatformConfig
  #confirmedAt: Date
  readonly #tenants = new TenantShelf()
  readonly #hosts = new Map<string, TenantId>()

  private constructor(record: SnapshotRecord, hash: string) {
    if (record.platform === undefined) throw refused('it does not say what the platform is')
    this.#version = record.version
    this.#hash = hash
    this.#platform = record.platform
    this.#confirmedAt = new Date(record.issuedAt)
  }

  /** @param hash of the record's text @throws RingfenceError `snapshot_refused` */
  static first(record: SnapshotRecord, hash: string): SnapshotState {
    if (record.kind !== 'change' || record.version !== 1 || record.previous !== '') {
      throw refused('it does not begin with the first version or a base')
    }
    const state = new SnapshotState(record, hash)
    state.#replace(record.tenants, [])
    return state
  }

  /** Its tenants come by `addPart`. @throws RingfenceError `snapshot_refused` */
  static ofBase(record: SnapshotRecord): SnapshotState {
    if (record.kind !== 'base' || record.previous === '' || record.tenants.length > 0) {
      throw refused('not a base')
    }
    return new SnapshotState(record, record.previous)
  }

  /** @throws RingfenceError `snapshot_refused` for a tenant or a host that is in another part too */
  addPart(tenants: readonly TenantConfig[]): void {
    if (tenants.some(({ id }) => this.#tenants.has(id))) throw refused('a tenant is in two parts')
    this.#replace(tenants, [])
  }

  /**
   * The next change. Returns the tenants that it changed or removed; all of them if the platform did.
   * @throws RingfenceError `snapshot_refused` for one that is not the next, or contradicts itself
   */
  apply(record: SnapshotRecord, hash: string): readonly TenantId[] {
    if (record.kind !== 'change') throw refused('a base where a change should be')
    if (record.version !== this.#version + 1) {
      throw refused(`version ${record.version} after ${this.#version}`)
    }
    if (record.previous !== this.#hash) throw refused('it does not follow the version before it')
    this.#replace(record.tenants, record.removed)
    this.#version = record.version
    this.#hash = hash
    this.confirm(new Date(record.issuedAt))
    if (record.platform === undefined)
      return [...record.tenants.map(({ id }) => id), ...record.removed]
    this.#platform = record.platform
    return [...this.#tenants.ids(), ...record.removed]
  }

  #replace(tenants: readonly TenantConfig[], removed: readonly TenantId[]): void {
    const leaving = new Set<TenantId>(removed)
    for (const { id } of tenants) leaving.add(id)
    if (leaving.size !== tenants.length + removed.length) throw refused('a tenant is in it twice')
    const taken = new Set<string>()
    for (const host of tenants.flatMap(({ hosts }) => hosts)) {
      const owner = this.#hosts.get(host)
      if (taken.has(host) || (owner !== undefined && !leaving.has(owner))) {
        throw refused('a host name has two owners')
      }
      taken.add(host)
    }
    for (const id of leaving) {
      for (const host of this.#tenants.get(id)?.hosts ?? []) this.#hosts.delete(host)
    }
    for (const id of removed) this.#tenants.delete(id)
    for (const tenant of tenants) {
      this.#tenants.set(tenant)
      for (const host of tenant.hosts) this.#hosts.set(host, tenant.id)
    }
  }

  /**
   * Time only goes forward. What comes from the future confirms nothing; and when what did has turned out
   * to be in the future, by a clock that was set back, an earlier word takes its place.
   */
  confirm(at: Date): void {
    const latest = Date.now() + FUTURE_MS_MAX
    if (at.getTime() > latest) return
    if (at > this.#confirmedAt || this.#confirmedAt.getTime() > latest) this.#confirmedAt = at
  }

  /** As it was confirmed before, whatever the clock says by now. */
  recall(at: Date): void {
    if (at > this.#confirmedAt) this.#confirmedAt = at
  }

  get version(): number {
    return this.#version
  }

  get hash(): string {
    return this.#hash
  }

  get platform(): PlatformConfig {
    return this.#platform
  }

  get confirmedAt(): Date {
    return this.#confirmedAt
  }

  tenant(id: TenantId): TenantConfig | undefined {
    return this.#tenants.get(id)
  }

  tenantOfHost(host: string): TenantConfig | undefined {
    const id = this.#hosts.get(host)
    return id === undefined ? undefined : this.#tenants.get(id)
  }

  ids(): IterableIterator<TenantId> {
    return this.#tenants.ids()
  }

  tenants(): IterableIterator<TenantConfig> {
    return this.#tenants.values()
  }

  /** What readers get. */
  view(): Configuration {
    return new ConfigurationView(this)
  }
}
