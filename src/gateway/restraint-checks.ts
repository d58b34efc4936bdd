import type { GrantRestraint } from '../contracts/grant-restraint.ts'
import type { GrantId } from '../core/names.ts'
import { limitId } from '../limits/limit-key.ts'
import type { Demand, Verdict } from '../limits/limiter.ts'
import type { RateLimit } from '../limits/tenant-limits.ts'
import { derived } from '../snapshot/derived.ts'
import { callerOf } from './caller-of.ts'
import type { GatewayCheck, GatewayMemory } from './check.ts'
import { Denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { grantUsed } from './grant-checks.ts'
import { usedUp } from './limit-checks.ts'

const SECONDS = 300
/** So many of them may come at once: a minute's. */
const BURST_PARTS = 5
const LABEL = 'grant'

interface Limited {
  readonly demands: readonly Demand[]
  readonly untilMs: number
}

interface Challenged {
  readonly sinceMs: number
  readonly untilMs: number
}

interface Restraints {
  readonly limits: ReadonlyMap<GrantId, Limited>
  readonly challenges: ReadonlyMap<GrantId, Challenged>
}

const restraintsOf = derived(({ restraints = [] }): Restraints => {
  const limits = new Map<GrantId, Limited>()
  const challenges = new Map<GrantId, Challenged>()
  for (const one of restraints) {
    const untilMs = Date.parse(one.until)
    if (one.kind === 'challenge') {
      challenges.set(one.grant, { sinceMs: Date.parse(one.since), untilMs })
    } else {
      limits.set(one.grant, { demands: [{ limit: limitOf(one), amount: 1 }], untilMs })
    }
  }
  return { limits, challenges }
})

/**
 * What detectors have put on a grant for a while, of every request under it: as many as are usual, by
 * somebody who has shown anew who they are. The tenant's own people and other grants do not notice.
 */
export const RESTRAINT_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'grant-is-not-challenged',
    run(exchange) {
      const challenged = challengedOf(exchange)
      if (challenged === undefined) return
      const { sinceMs } = challenged
      const at = exchange.claimed?.authenticatedAt?.getTime() ?? Number.NEGATIVE_INFINITY
      if (at < sinceMs) throw insufficient(sinceMs)
    },
  },
  {
    name: 'grant-within-limit',
    run(exchange, { limiting }) {
      const limited = limitedOf(exchange)
      const caller = callerOf(exchange)
      if (limited === undefined || caller === undefined) return undefined
      // A call of a tool that takes several requests is one.
      const { inner } = exchange.head
      if (inner !== undefined && inner.counts !== true) return undefined
      const verdict = limiting.limiter.take(caller, limited.demands)
      return verdict instanceof Promise
        ? verdict.then((one) => within(one, limiting))
        : within(verdict, limiting)
    },
  },
]

function limitedOf(exchange: Exchange): Limited | undefined {
  return inForce(exchange, restraintsFor(exchange)?.limits)
}

function challengedOf(exchange: Exchange): Challenged | undefined {
  return inForce(exchange, restraintsFor(exchange)?.challenges)
}

function restraintsFor({ tenant, configuration }: Exchange): Restraints | undefined {
  return tenant?.restraints && restraintsOf(configuration, tenant)
}

function inForce<T extends { readonly untilMs: number }>(
  exchange: Exchange,
  restraints: ReadonlyMap<GrantId, T> | undefined,
): T | undefined {
  const grant = restraints && grantUsed(exchange)
  const found = grant && restraints.get(grant.id)
  return found !== undefined && found.untilMs > Date.now() ? found : undefined
}

/** @throws Denial */
function within({ refused }: Verdict, limiting: GatewayMemory['limiting']): void {
  if (refused !== undefined) throw usedUp(refused, limiting)
}

/** RFC 9470, section 3: what is asked for is a sign-in after what was found. */
function insufficient(sinceMs: number): Denial {
  const seconds = Math.max(0, Math.floor((Date.now() - sinceMs) / 1000))
  return new Denial(
    'not_authenticated',
    'this needs a token of a more recent sign-in',
    'grant: signed in before it was challenged',
    [
      [
        'www-authenticate',
        `Bearer realm="ringfence", error="insufficient_user_authentication", max_age="${seconds}"`,
      ],
    ],
  )
}

/** Counted for the grant: it is who calls under it. */
function limitOf({ requests }: Extract<GrantRestraint, { kind: 'limit' }>): RateLimit {
  return {
    id: limitId({ from: 'process' }, 'rate', LABEL),
    per: 'user',
    label: LABEL,
    shared: true,
    policy: `"${LABEL}";q=${requests};w=${SECONDS}`,
    spec: {
      kind: 'rate',
      everyMs: (SECONDS * 1000) / requests,
      burst: Math.ceil(requests / BURST_PARTS),
    },
  }
}
