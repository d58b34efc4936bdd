import type { LookupFunction } from 'node:net'
import type { UpstreamConfig } from '../contracts/upstream.ts'
import type { IsOurs, UpstreamGuard } from '../upstreams/upstream-guard.ts'
import { Denial } from './denial.ts'
import type { GatewayLimits } from './limits.ts'
import type { RouteUpstream } from './route.ts'

/** A server of an owner's: what connections, and what is known of how it does, are kept by. */
export interface Place {
  readonly owner: RouteUpstream['owner']
  /** Its own path comes before the request's. */
  readonly url: URL
  /** The gateway's, with what the upstream says. */
  readonly limits: GatewayLimits
  /** Of no other owner's, and of none with other limits. */
  readonly key: string
}

export function placeOf(owner: Place['owner'], url: string, limits: GatewayLimits): Place {
  const { connectMs, firstByteMs, idleMs } = limits
  // Neither owners nor URLs hold a space.
  const key = [owner, url, connectMs, firstByteMs, idleMs].join(' ')
  return { owner, url: new URL(url), limits, key }
}

/** The gateway's limits as an upstream would have them. */
export function limitsOf(
  { connectMs, firstByteMs, idleMs }: Pick<UpstreamConfig, 'connectMs' | 'firstByteMs' | 'idleMs'>,
  limits: GatewayLimits,
): GatewayLimits {
  return {
    ...limits,
    connectMs: connectMs ?? limits.connectMs,
    firstByteMs: firstByteMs ?? limits.firstByteMs,
    idleMs: idleMs ?? limits.idleMs,
  }
}

/** Where a tenant's own upstreams may be; the platform's may be anywhere. */
export class PlaceRules {
  readonly #guard: UpstreamGuard
  readonly #isOurs: IsOurs

  constructor(guard: UpstreamGuard, isOurs: IsOurs) {
    this.#guard = guard
    this.#isOurs = isOurs
  }

  /** @throws Denial: the same as where nothing answers */
  admit({ owner, url }: Place): void {
    if (owner === 'platform') return
    const refusal = this.#guard.refusalOf(url, this.#isOurs)
    if (refusal === undefined) return
    throw new Denial('upstream_failed', 'the service did not answer', `upstream: ${refusal}`)
  }

  lookupOf({ owner, url }: Place): LookupFunction | undefined {
    return owner === 'platform' ? undefined : this.#guard.lookupFor(url, this.#isOurs)
  }
}
