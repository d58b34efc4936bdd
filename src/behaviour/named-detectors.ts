import { isIPv6 } from 'node:net'
import { DistinctWindow } from './distinct-window.ts'
import type { Act, Finding } from './finding.ts'
import type { Observation } from './observation.ts'
import { RateWindow } from './rate-window.ts'
import type { BehaviourSettings } from './settings.ts'
import { TenantShares } from './tenant-shares.ts'

const SESSIONS = { perTenant: 2_000, altogether: 50_000 } as const
const GRANTS = { perTenant: 1_000, altogether: 20_000 } as const
/** Networks are nobody's: whoever has many pushes out the oldest. */
const NETWORKS = { perTenant: 20_000, altogether: 20_000 } as const
const EVERYBODY = ''

/** Detectors that go by a number in a window, whatever is usual. */
export class NamedDetectors {
  readonly #settings: BehaviourSettings
  readonly #claimsOfNetworks = new TenantShares<RateWindow>(NETWORKS)
  readonly #claimsOfSessions = new TenantShares<RateWindow>(SESSIONS)
  readonly #beyondGrants = new TenantShares<RateWindow>(GRANTS)
  readonly #addresses = new TenantShares<DistinctWindow>(SESSIONS)

  constructor(settings: BehaviourSettings) {
    this.#settings = settings
  }

  /** How many windows are kept. */
  get size(): number {
    const all = [
      this.#claimsOfNetworks,
      this.#claimsOfSessions,
      this.#beyondGrants,
      this.#addresses,
    ]
    return all.reduce((sum, { size }) => sum + size, 0)
  }

  look(seen: Observation): readonly Finding[] {
    const found = [
      this.#claimsOfNetwork(seen),
      this.#claimsOfSession(seen),
      this.#beyondGrant(seen),
      this.#addressesOf(seen),
    ]
    return found.filter((one) => one !== undefined)
  }

  /** An address is a fact of the connection, whoever it claims to be for. */
  #claimsOfNetwork({ at, address, invalidClaim }: Observation): Finding | undefined {
    if (!invalidClaim || address === undefined) return undefined
    const { moreThan, seconds } = this.#settings.invalidClaims
    const network = networkOf(address)
    const window = this.#claimsOfNetworks.getOrMake(EVERYBODY, network, () => new RateWindow())
    const counted = window.add(at, moreThan, seconds * 1000)
    if (counted === undefined) return undefined
    const about = { tenant: undefined, about: network, signal: 'invalid-claims' } as const
    const acts: readonly Act[] = [{ kind: 'block-address', network }]
    return { detector: 'invalid-claims', ...about, at, counted, limit: moreThan, acts }
  }

  /** A session is known of verified ones only: nobody ends another's by naming it. */
  #claimsOfSession({ at, tenant, session, grant, invalidClaim }: Observation): Finding | undefined {
    if (!invalidClaim || tenant === undefined || session === undefined || grant !== undefined) {
      return undefined
    }
    const { moreThan, seconds } = this.#settings.invalidClaims
    const window = this.#claimsOfSessions.getOrMake(tenant, session, () => new RateWindow())
    const counted = window.add(at, moreThan, seconds * 1000)
    if (counted === undefined) return undefined
    const about = { tenant, about: `session ${session}`, signal: 'invalid-claims' }
    const acts: readonly Act[] = [{ kind: 'end-session', tenant, session }]
    return { detector: 'invalid-claims', ...about, at, counted, limit: moreThan, acts }
  }

  #beyondGrant({ at, tenant, grant, beyondGrant }: Observation): Finding | undefined {
    if (!beyondGrant || tenant === undefined || grant === undefined) return undefined
    const { moreThan, seconds } = this.#settings.unauthorisedGrants
    const window = this.#beyondGrants.getOrMake(tenant, grant, () => new RateWindow())
    const counted = window.add(at, moreThan, seconds * 1000)
    if (counted === undefined) return undefined
    const about = { tenant, about: `grant ${grant}`, signal: 'unauthorised-grants' }
    const acts: readonly Act[] = [{ kind: 'suspend-grant', tenant, grant }]
    return { detector: 'unauthorised-grants', ...about, at, counted, limit: moreThan, acts }
  }

  /** Of a tenant's own people: a partner's servers may well have several addresses. */
  #addressesOf({ at, tenant, session, grant, address }: Observation): Finding | undefined {
    if (tenant === undefined || session === undefined || address === undefined) return undefined
    if (grant !== undefined) return undefined
    const { moreThan, seconds } = this.#settings.concurrentAddresses
    const window = this.#addresses.getOrMake(tenant, session, () => new DistinctWindow())
    const counted = window.add(networkOf(address), at, moreThan, seconds * 1000)
    if (counted === undefined) return undefined
    const about = { tenant, about: `session ${session}`, signal: 'addresses' }
    const acts: readonly Act[] = [{ kind: 'end-session', tenant, session }]
    return { detector: 'concurrent-addresses', ...about, at, counted, limit: moreThan, acts }
  }
}

const GROUPS = 8
const NETWORK_GROUPS = 4

/** One subscriber's: an IPv4 address, or the /64 of an IPv6 address, in which hosts change theirs at will. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, GROUPS - before.length - after.length)
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after]
  const network = groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}
