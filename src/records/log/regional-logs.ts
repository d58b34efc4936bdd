import type { AuditEntry, LogName } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import { tenantOf } from './log-parts.ts'
import type { EnteredEntry, LogStore } from './log-store.ts'

export interface RegionalOptions<Store extends LogStore> {
  /** A store for each region, by its name. Undefined while its database is not there. */
  readonly stores: ReadonlyMap<string, Store | undefined>
  /** Where the platform's own log is. */
  readonly home: string
  /** The region of a tenant. Undefined when nobody knows it: nothing of it is kept anywhere. */
  readonly regionOf: (tenant: TenantId) => string | undefined
}

/** The logs of all regions: each tenant's log is in its own region's database and in no other. */
export class RegionalLogs<Store extends LogStore = LogStore> implements LogStore {
  readonly #options: RegionalOptions<Store>

  constructor(options: RegionalOptions<Store>) {
    this.#options = options
  }

  /** @throws RingfenceError also `not_found` for a tenant whose region has no store: nothing is entered */
  async append(entries: readonly AuditEntry[]): Promise<void> {
    const byStore = new Map<Store, AuditEntry[]>()
    for (const entry of entries) {
      const store = this.#storeOf(entry.tenant)
      const list = byStore.get(store)
      if (list === undefined) byStore.set(store, [entry])
      else list.push(entry)
    }
    const done = await Promise.allSettled([...byStore].map(([store, list]) => store.append(list)))
    const failed = done.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async checkpoint(log: LogName, cosignatures?: number): Promise<string | undefined> {
    return this.storeOf(log).checkpoint(log, cosignatures)
  }

  async tile(log: LogName, path: string): Promise<Uint8Array | undefined> {
    return this.storeOf(log).tile(log, path)
  }

  async read(log: LogName, from: number, most: number): Promise<readonly EnteredEntry[]> {
    return this.storeOf(log).read(log, from, most)
  }

  /** The store that a log is in. @throws RingfenceError `not_found` */
  storeOf(log: LogName): Store {
    return this.#storeOf(tenantOf(log))
  }

  #storeOf(tenant: TenantId | undefined): Store {
    const { stores, home, regionOf } = this.#options
    const region = tenant === undefined ? home : regionOf(tenant)
    const store = region === undefined ? undefined : stores.get(region)
    if (store !== undefined) return store
    if (region !== undefined && stores.has(region)) {
      throw new RingfenceError('engine_unavailable', "the logs' database cannot be reached")
    }
    throw new RingfenceError('not_found', 'no region has this log', {
      detail: `tenant ${tenant ?? '(platform)'}, region ${region ?? 'unknown'}`,
    })
  }
}
