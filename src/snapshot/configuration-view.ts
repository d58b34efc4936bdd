import type { TenantId } from '../core/tenant.ts'
import type { Configuration, PlatformConfig, TenantConfig } from './snapshot.ts'

/** One version of a configuration that grows. Its version stays, its look-ups answer from what is newest. */
export class ConfigurationView implements Configuration {
  readonly version: number
  readonly #state: Configuration

  constructor(state: Configuration) {
    this.version = state.version
    this.#state = state
  }

  get confirmedAt(): Date {
    return this.#state.confirmedAt
  }

  get platform(): PlatformConfig {
    return this.#state.platform
  }

  tenant(id: TenantId): TenantConfig | undefined {
    return this.#state.tenant(id)
  }

  tenantOfHost(host: string): TenantConfig | undefined {
    return this.#state.tenantOfHost(host)
  }

  tenants(): IterableIterator<TenantConfig> {
    return this.#state.tenants()
  }
}
