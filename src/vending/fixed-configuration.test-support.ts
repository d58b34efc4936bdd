import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import {
  type Configuration,
  type ConfigurationSource,
  type PlatformConfig,
  recordSchema,
  type TenantConfig,
} from '../snapshot/snapshot.ts'

type Listener = Parameters<ConfigurationSource['onChange']>[0]

/** A configuration that a test changes. What it holds has gone through the snapshot's own schema. */
export class FixedConfiguration implements ConfigurationSource {
  stale = false
  #listeners: Listener[] = []
  #version = 1
  #platform: PlatformConfig
  #tenants: ReadonlyMap<string, TenantConfig>

  constructor(platform: unknown, tenants: readonly unknown[]) {
    const parsed = recordSchema.parse({
      kind: 'base',
      version: 1,
      issuedAt: new Date().toISOString(),
      previous: '',
      platform,
      tenants,
    })
    if (parsed.platform === undefined) throw new TypeError('a base says everything')
    this.#platform = parsed.platform
    this.#tenants = new Map(parsed.tenants.map((tenant) => [tenant.id, tenant]))
  }

  current(): Configuration {
    if (this.stale) throw new RingfenceError('snapshot_stale', 'the configuration is too old')
    const [version, platform, tenants] = [this.#version, this.#platform, this.#tenants]
    return {
      version,
      confirmedAt: new Date(),
      platform,
      tenant: (id) => tenants.get(id),
      tenantOfHost: () => undefined,
      tenants: () => tenants.values() as IterableIterator<TenantConfig>,
    }
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener)
  }

  /** Nobody listens any more: as when the process that did has ended. */
  deafen(): void {
    this.#listeners = []
  }

  change(tenant: string, change: Partial<TenantConfig> | 'removed'): void {
    const before = this.#tenants.get(tenant)
    if (before === undefined) throw new TypeError(`no ${tenant}`)
    const tenants = new Map(this.#tenants)
    if (change === 'removed') tenants.delete(tenant)
    else tenants.set(tenant, { ...before, ...change })
    this.#tenants = tenants
    this.#tell([before.id])
  }

  /** As a follower does, it tells of all tenants when the platform has changed. */
  changePlatform(change: Partial<PlatformConfig>): void {
    this.#platform = { ...this.#platform, ...change }
    this.#tell([...this.#tenants.values()].map(({ id }) => id))
  }

  #tell(changed: readonly TenantId[]): void {
    this.#version += 1
    for (const listener of this.#listeners) listener(changed, this.current())
  }
}
