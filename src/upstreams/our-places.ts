import { plainHost } from '../contracts/upstream-rule.ts'
import type { Configuration, PlatformConfig } from '../snapshot/snapshot.ts'
import { type IsOurs, portOf } from './upstream-guard.ts'

interface Ours {
  readonly hosts: ReadonlySet<string>
  readonly places: ReadonlySet<string>
}

/**
 * What tenants' own upstreams never are, whatever is allowed besides: hosts that the gateway itself
 * serves, whosever they are, and the platform's services behind it.
 * @param hosts the platform's own host names
 */
export function ourPlaces(
  configuration: () => Pick<Configuration, 'platform' | 'tenantOfHost'>,
  hosts: Iterable<string> = [],
): IsOurs {
  const named = new Set(hosts)
  const kept = new WeakMap<PlatformConfig, Ours>()
  return (host, port) => {
    try {
      const now = configuration()
      let ours = kept.get(now.platform)
      if (ours === undefined) kept.set(now.platform, (ours = oursOf(now.platform)))
      if (named.has(host) || ours.hosts.has(host) || ours.places.has(`${host} ${port}`)) return true
      return now.tenantOfHost(host) !== undefined
    } catch {
      // It is not known what is ours.
      return true
    }
  }
}

function oursOf({ audience, services, upstreams = [] }: PlatformConfig): Ours {
  const urls = [
    ...services.map(({ upstream }) => upstream),
    ...upstreams.flatMap(({ servers }) => servers.map(({ url }) => url)),
  ].map((url) => new URL(url))
  return {
    hosts: new Set([plainHost(new URL(audience))]),
    places: new Set(urls.map((url) => `${plainHost(url)} ${portOf(url)}`)),
  }
}
