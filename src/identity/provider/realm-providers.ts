import { LRUCache } from 'lru-cache'
import type { TenantId } from '../../core/tenant.ts'
import type { LoadedRealm } from './loaded-realm.ts'
import type { RealmProvider } from './realm-provider.ts'

export interface RealmProvidersOptions {
  /** The realm as it is now, or undefined where there is none that is open. */
  readonly load: (tenant: TenantId) => Promise<LoadedRealm | undefined>
  /** The version of an open realm, with less work than `load`. */
  readonly version: (tenant: TenantId) => Promise<number | undefined>
  readonly make: (realm: LoadedRealm) => RealmProvider
  /** True while changes are told at once: `forget` is called for each. */
  readonly hears: () => boolean
  /** How many are kept made, those that were used last. Default 1,000. */
  readonly most?: number
  /** After how many seconds one is looked at again, whatever was told. Default 60. */
  readonly lookAgainSeconds?: number
}

interface Kept {
  readonly provider: RealmProvider
  /** Milliseconds since 1970 until which nobody looks again. */
  until: number
}

/** The providers of realms: made when they are asked for, kept for a while, made anew when a realm changes. */
export class RealmProviders {
  readonly #options: RealmProvidersOptions
  readonly #lookAgainMs: number
  readonly #kept: LRUCache<TenantId, Kept>
  readonly #making = new Map<TenantId, Promise<RealmProvider | undefined>>()

  constructor(options: RealmProvidersOptions) {
    this.#options = options
    this.#lookAgainMs = (options.lookAgainSeconds ?? 60) * 1000
    this.#kept = new LRUCache({ max: options.most ?? 1_000 })
  }

  /** How many are made. */
  get size(): number {
    return this.#kept.size
  }

  /** Undefined for a realm that is not there, and for one that is not open. */
  async get(tenant: TenantId): Promise<RealmProvider | undefined> {
    const kept = this.#kept.get(tenant)
    if (kept === undefined) return this.#make(tenant)
    if (this.#options.hears() && Date.now() < kept.until) return kept.provider
    const { version, changesAt } = kept.provider.realm
    const now = await this.#options.version(tenant)
    if (now !== version || (changesAt !== undefined && changesAt.getTime() <= Date.now())) {
      this.forget(tenant)
      return now === undefined ? undefined : this.#make(tenant)
    }
    kept.until = this.#until(kept.provider)
    return kept.provider
  }

  /** It, or any of them, may have changed. */
  forget(tenant?: TenantId): void {
    if (tenant === undefined) {
      this.#kept.clear()
      this.#making.clear()
      return
    }
    this.#kept.delete(tenant)
    // One that is being made may have been read before the change: it is not kept.
    this.#making.delete(tenant)
  }

  #make(tenant: TenantId): Promise<RealmProvider | undefined> {
    const known = this.#making.get(tenant)
    if (known !== undefined) return known
    const making = this.#options.load(tenant).then((realm) => {
      if (realm === undefined) return undefined
      const provider = this.#options.make(realm)
      if (this.#making.get(tenant) === making) {
        this.#kept.set(tenant, { provider, until: this.#until(provider) })
      }
      return provider
    })
    this.#making.set(tenant, making)
    const done = () => {
      if (this.#making.get(tenant) === making) this.#making.delete(tenant)
    }
    making.then(done, done)
    return making
  }

  #until({ realm }: RealmProvider): number {
    return Math.min(Date.now() + this.#lookAgainMs, realm.changesAt?.getTime() ?? Infinity)
  }
}
