import { type Outside, tenantOutside } from '../alerts/outside.ts'
import type { ConfigurationSource } from '../snapshot/snapshot.ts'
import { ourPlaces } from '../upstreams/our-places.ts'
import { upstreamGuard, type UpstreamGuardOptions } from '../upstreams/upstream-guard.ts'

/** Where the platform itself is to be found, besides what its configuration says. */
export interface OwnPlaces {
  /** Its own host names: those of the gateway, of identity, of the control API. */
  readonly hosts: readonly string[]
  /** Where it listens, also by addresses that are public: `203.0.113.7:443`. */
  readonly listeners: readonly string[]
}

/**
 * How the outside is reached on a tenant's word: the public internet, and nothing that is the platform's or
 * served by it, by whatever name. What is ours is asked each time: a tenant's domain is once it is entered.
 * @param lookup finds a host's addresses. Default: the system's
 */
export function outsideOfTenants(
  source: Pick<ConfigurationSource, 'current'>,
  { hosts, listeners }: OwnPlaces = { hosts: [], listeners: [] },
  lookup?: UpstreamGuardOptions['lookup'],
): Outside {
  return tenantOutside({
    guard: upstreamGuard({ listeners, ...(lookup === undefined ? {} : { lookup }) }),
    isOurs: ourPlaces(() => source.current(), hosts.map(lowered)),
  })
}

/** As hosts of URLs are written. */
const lowered = (host: string) => host.toLowerCase()
