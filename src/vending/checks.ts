import type { GrantConfig } from '../contracts/grant.ts'
import { standingGrant } from '../contracts/standing-grant.ts'
import { UsedAssertions, verifyClientAssertion } from '../tokens/client-assertion.ts'
import { verifyContext } from '../tokens/tenant-context.ts'
import type { Attempt, Kind } from './attempt.ts'
import type { CheckTools } from './check-tools.ts'
import type { Layer } from './journal-entry.ts'
import type { Limits } from './limits.ts'
import { Refusal } from './refusal.ts'
import { revocableOf } from './revocable.ts'

/**
 * One thing that must hold. Each stands alone, so that a proof can leave one out and see that
 * somebody notices. `who` runs before a lease is looked up, `lease` on the lease that was found, and
 * `what` on what is asked for.
 */
export interface Check {
  readonly name: string
  readonly stage: 'who' | 'lease' | 'what'
  readonly layer: Layer
  /** Requests that it is about. Absent: all. */
  readonly kinds?: readonly Kind[]
  /** @throws Refusal */
  run(attempt: Attempt, tools: CheckTools): void | Promise<void>
}

const GIVING: readonly Kind[] = ['exchange', 'renewal']

/**
 * Every check, in the order in which they run. What must not be told apart is refused with one
 * error: an unknown client as a wrong key, an unknown or suspended tenant as a forged context, an
 * absent lease as another's.
 */
export const VENDING_CHECKS: readonly Check[] = [
  {
    // RFC 6749, section 3.2: a parameter must not be there twice. Readers differ in which they take.
    name: 'each-parameter-once',
    stage: 'who',
    layer: 'form',
    run({ form }) {
      if (form.repeated.length > 0) throw new Refusal('invalid_request', 'form', 'repeated')
    },
  },
  {
    // RFC 6749, section 2.3: one way of authentication a request, and never in the query.
    name: 'one-way-in',
    stage: 'who',
    layer: 'form',
    run({ besides }) {
      if (besides.authorization || besides.query) {
        throw new Refusal('invalid_request', 'form', 'second-way-in')
      }
    },
  },
  {
    // Whoever names another target, actor or kind of token means something that will not happen.
    name: 'nothing-else-asked',
    stage: 'who',
    layer: 'form',
    run({ form }) {
      if (form.get('resource') !== undefined || form.get('audience') !== undefined) {
        throw new Refusal('invalid_target', 'form', 'other-target')
      }
      for (const name of ['actor_token', 'actor_token_type', 'requested_token_type']) {
        if (form.get(name) !== undefined) throw new Refusal('invalid_request', 'form', name)
      }
    },
  },
  {
    name: 'client-assertion',
    stage: 'who',
    layer: 'client',
    async run(attempt, { audience, keysOf }) {
      const { assertion, workload } = attempt
      // Whether it was used before is a check of its own.
      const client = await verifyClientAssertion(
        assertion.text,
        audience,
        () => keysOf(workload),
        new UsedAssertions(),
      ).catch(() => undefined)
      if (client === undefined || client !== workload?.client) {
        throw new Refusal('invalid_client', 'client', 'assertion')
      }
      attempt.verified.client = true
    },
  },
  {
    name: 'client-assertion-once',
    stage: 'who',
    layer: 'client',
    run({ client, assertion }, { used }) {
      if (!used.take(`${client}:${assertion.id}`, assertion.expiresAt)) {
        throw new Refusal('invalid_client', 'client', 'replayed')
      }
    },
  },
  {
    // RFC 7521, section 4.2: a client_id that is there must be the assertion's.
    name: 'client-id-agrees',
    stage: 'who',
    layer: 'client',
    run({ form, client }) {
      const named = form.get('client_id')
      if (named !== undefined && named !== client) {
        throw new Refusal('invalid_client', 'client', 'client-id')
      }
    },
  },
  {
    name: 'workload-limit',
    stage: 'who',
    layer: 'limit',
    async run(attempt, { limits, workloadPerMinute }) {
      await count(attempt, limits, 'workload', attempt.client, workloadPerMinute)
    },
  },
  {
    // For the service that it names: whether that is the caller's is the next check.
    name: 'context-signature',
    stage: 'who',
    layer: 'context',
    async run(attempt, { contextKeysOf }) {
      const keys = contextKeysOf(attempt.configuration.platform)
      const context = await verifyContext(attempt.token, keys, attempt.context.service).catch(
        () => undefined,
      )
      if (context === undefined) throw new Refusal('invalid_grant', 'context', 'not-valid')
      attempt.context = context
      attempt.verified.context = true
    },
  },
  {
    name: 'context-for-own-service',
    stage: 'who',
    layer: 'context',
    run({ context, workload }) {
      if (context.service !== workload?.service) {
        throw new Refusal('invalid_grant', 'context', 'other-service')
      }
    },
  },
  {
    // A context lives a minute, a job's an hour: what it stands on may have been taken back since.
    name: 'context-not-revoked',
    stage: 'who',
    layer: 'context',
    run({ context }, { revocations }) {
      if (revocations.revokes(revocableOf(context))) throw revoked()
    },
  },
  {
    name: 'tenant-served',
    stage: 'who',
    layer: 'tenant',
    run({ tenant }) {
      if (tenant?.status !== 'active' && tenant?.status !== 'paused') {
        throw new Refusal('invalid_grant', 'tenant', tenant === undefined ? 'unknown' : 'suspended')
      }
    },
  },
  {
    // Of whoever comes from another tenant: a context is made of what stood a moment ago.
    name: 'grant-stands',
    stage: 'who',
    layer: 'context',
    run(attempt) {
      const { delegation } = attempt.context
      if (delegation === undefined) return
      const home = attempt.configuration.tenant(delegation.grantee)
      const isServed = home !== undefined && home.status !== 'suspended'
      if (!isServed || grantOf(attempt) === undefined) throw revoked()
    },
  },
  {
    name: 'lease-of-own-tenant',
    stage: 'lease',
    layer: 'lease',
    run({ lease, context }) {
      if (lease?.tenant !== context.tenant) throw noSuchLease('other-tenant')
    },
  },
  {
    name: 'lease-of-own-workload',
    stage: 'lease',
    layer: 'lease',
    run({ lease, client }) {
      if (lease?.holder !== client) throw noSuchLease('other-workload')
    },
  },
  {
    name: 'scope-in-context',
    stage: 'what',
    layer: 'scope',
    kinds: GIVING,
    run({ context, scope }) {
      if (!context.scopes.includes(scope)) throw new Refusal('invalid_scope', 'scope', 'context')
    },
  },
  {
    name: 'scope-of-workload',
    stage: 'what',
    layer: 'scope',
    kinds: GIVING,
    run({ workload, scope }) {
      if (workload?.scopes.includes(scope) !== true) {
        throw new Refusal('invalid_scope', 'scope', 'workload')
      }
    },
  },
  {
    name: 'tenant-writes-open',
    stage: 'what',
    layer: 'tenant',
    kinds: GIVING,
    run({ tenant, scope }) {
      if (tenant?.status === 'paused' && scope !== 'read') {
        // Without Retry-After, whose shortest wait is a second: a pause is mostly shorter, and clients
        // come back in their own, growing steps.
        throw new Refusal('temporarily_unavailable', 'tenant', 'paused')
      }
    },
  },
  {
    name: 'lease-within-plan',
    stage: 'what',
    layer: 'limit',
    kinds: GIVING,
    run(attempt) {
      const max = attempt.plan?.leaseSecondsMax
      if (max === undefined) throw new Refusal('invalid_grant', 'tenant', 'no-plan')
      if (attempt.seconds <= max) return
      if (attempt.form.get('lease_seconds') !== undefined) {
        attempt.warnings.push(`lease_seconds is more than the plan allows: ${max}`)
      }
      attempt.seconds = max
    },
  },
  {
    name: 'lease-within-job',
    stage: 'what',
    layer: 'context',
    kinds: GIVING,
    run(attempt) {
      if (attempt.context.kind === 'job') attempt.jobEndsAt = attempt.context.expiresAt
    },
  },
  {
    name: 'lease-within-grant',
    stage: 'what',
    layer: 'context',
    kinds: GIVING,
    run(attempt) {
      const grant = grantOf(attempt)
      if (grant === undefined) return
      const left = Math.floor((Date.parse(grant.expires) - Date.now()) / 1000)
      attempt.seconds = Math.max(1, Math.min(attempt.seconds, left))
    },
  },
  {
    name: 'tenant-limit',
    stage: 'what',
    layer: 'limit',
    kinds: GIVING,
    async run(attempt, { limits }) {
      const { context, plan } = attempt
      await count(attempt, limits, 'tenant', context.tenant, plan?.leasesPerMinute ?? 0)
    },
  },
]

function grantOf({ context, tenant }: Attempt): GrantConfig | undefined {
  const { delegation, actor } = context
  if (delegation === undefined) return undefined
  const { grant, grantee } = delegation
  return standingGrant(tenant?.grants, { grant, grantee, subject: actor?.subject }, Date.now())
}

async function count(
  attempt: Attempt,
  limits: Limits,
  name: string,
  key: string,
  perMinute: number,
): Promise<void> {
  const state = await limits.take(name, key, perMinute)
  attempt.limits.push(state)
  if (!state.exceeded) return
  throw new Refusal('temporarily_unavailable', 'limit', `${name}-limit`, {
    status: 429,
    retryAfterSeconds: state.resetSeconds,
  })
}

/** To the caller it is like any context that is not valid. */
export function revoked(): Refusal {
  return new Refusal('invalid_grant', 'context', 'revoked')
}

function noSuchLease(reason: string): Refusal {
  return new Refusal('invalid_grant', 'lease', reason)
}
