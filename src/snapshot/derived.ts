import type { Configuration, PlatformConfig, TenantConfig } from './snapshot.ts'

/**
 * Something that is made of a tenant's configuration and the platform's, and kept while both last. A
 * tenant that is not asked for any more takes it along: of many tenants few are ready at a time.
 */
export type Derived<T> = (configuration: Pick<Configuration, 'platform'>, tenant: TenantConfig) => T

/**
 * Makes `compile`'s result once for each tenant and platform that are in force. The key is the very
 * object that it was made of: no other tenant's, no older version's can be found by it.
 */
export function derived<T extends object>(
  compile: (tenant: TenantConfig, platform: PlatformConfig) => T,
): Derived<T> {
  const made = new WeakMap<PlatformConfig, WeakMap<TenantConfig, T>>()
  return ({ platform }, tenant) => {
    let ofPlatform = made.get(platform)
    if (ofPlatform === undefined) made.set(platform, (ofPlatform = new WeakMap()))
    let result = ofPlatform.get(tenant)
    if (result === undefined) ofPlatform.set(tenant, (result = compile(tenant, platform)))
    return result
  }
}
