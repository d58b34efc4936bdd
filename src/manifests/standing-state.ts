import { isDeepStrictEqual } from 'node:util'
import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { ConfigurationView } from '../snapshot/configuration-view.ts'
import type { Configuration, PlatformConfig, TenantConfig } from '../snapshot/snapshot.ts'

/** What is in force. A configuration that was got before a change answers from what is newest. */
export class StandingState {
  version = 0
  confirmedAt = new Date()
  #platform: PlatformConfig | undefined
  #tenants: ReadonlyMap<TenantId, TenantConfig> = new Map()
  #hosts: ReadonlyMap<string, TenantConfig> = new Map()

  /**
   * What is as it was stays the very object that it was: what was made of it is not made again.
   * Returns the tenants that are different; all of them if the platform is.
   */
  replace(platform: PlatformConfig, tenants: readonly TenantConfig[]): readonly TenantId[] {
    const samePlatform = isDeepStrictEqual(platform, this.#platform)
    const before = this.#tenants
    const now = new Map(
      tenants.map((tenant) => {
        const old = before.get(tenant.id)
        return [tenant.id, isSame(old, tenant) ? old : tenant] as const
      }),
    )
    const changed = [...new Set([...before.keys(), ...now.keys()])].filter(
      (id) => !samePlatform || before.get(id) !== now.get(id),
    )
    if (samePlatform && changed.length === 0) return []
    if (!samePlatform) this.#platform = platform
    this.#tenants = now
    this.#hosts = new Map(
      [...now.values()].flatMap((tenant) => tenant.hosts.map((host) => [host, tenant] as const)),
    )
    this.version += 1
    this.confirmedAt = new Date()
    return changed
  }

  view(): Configuration {
    return new ConfigurationView(this)
  }

  tenant(id: TenantId): TenantConfig | undefined {
    return this.#tenants.get(id)
  }

  tenantOfHost(host: string): TenantConfig | undefined {
    return this.#hosts.get(host)
  }

  tenants(): IterableIterator<TenantConfig> {
    return this.#tenants.values()
  }

  get platform(): PlatformConfig {
    if (this.#platform === undefined) {
      throw new RingfenceError('snapshot_stale', 'there is no configuration yet')
    }
    return this.#platform
  }
}

/** But for the version of its policies, which grows with every reading. */
function isSame(old: TenantConfig | undefined, now: TenantConfig): old is TenantConfig {
  if (old === undefined) return false
  const policy = now.policy && old.policy && { ...now.policy, version: old.policy.version }
  return isDeepStrictEqual(old, policy === undefined ? now : { ...now, policy })
}
