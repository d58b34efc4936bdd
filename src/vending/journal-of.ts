import type { Lease } from '../core/lease.ts'
import type { Attempt, Kind } from './attempt.ts'
import type { JournalEntry, Layer } from './journal-entry.ts'
import type { Refusal } from './refusal.ts'

const ACTS = { exchange: 'grant', renewal: 'renewal', revocation: 'revocation' } as const

/** The line for what was granted. */
export function grantEntry(
  attempt: Attempt,
  lease: Pick<Lease, 'lease_id' | 'cell' | 'expires_at' | 'scope'>,
  layer: Layer,
  reason: string,
): JournalEntry {
  return {
    ...entryOf(attempt, ACTS[attempt.kind]),
    scope: lease.scope,
    layer,
    reason,
    lease_id: lease.lease_id,
    cell: lease.cell,
    expires_at: lease.expires_at.toISOString(),
  }
}

/** The line for what was refused; `attempt` is undefined when it could not even be read. */
export function denialEntry(
  requestId: string,
  attempt: Attempt | undefined,
  refusal: Refusal,
): JournalEntry {
  const { layer, reason } = refusal
  if (attempt === undefined) {
    const at = new Date().toISOString()
    return { at, act: 'denial', request_id: requestId, verified: false, layer, reason }
  }
  return {
    ...entryOf(attempt, 'denial'),
    ...(attempt.kind === 'revocation' ? {} : { scope: attempt.scope }),
    layer,
    reason,
    // Only once we know who names it: until then it is just text from outside.
    ...(attempt.lease === undefined || !isKnown(attempt)
      ? {}
      : { lease_id: attempt.lease.lease_id }),
  }
}

/** Whether the caller, and on whose behalf it calls, are facts. */
export function isKnown({ verified }: Attempt): boolean {
  return verified.client && verified.context
}

/** What a later process needs to know when something of it is revoked. */
function principalOf({ session, actor, origin, delegation }: Attempt['context']) {
  return {
    ...(delegation === undefined
      ? {}
      : { grant_id: delegation.grant, grantee: delegation.grantee }),
    ...(actor === undefined ? {} : { actor: actor.subject }),
    ...(session === undefined ? {} : { session }),
    ...(origin === undefined
      ? {}
      : {
          token: {
            id: origin.id,
            client: origin.client,
            issued_at: origin.issuedAt.toISOString(),
          },
        }),
  }
}

type Who = Omit<JournalEntry, 'layer' | 'reason'>

function entryOf(attempt: Attempt, act: (typeof ACTS)[Kind] | 'denial'): Who {
  const { client, context, assertion, verified } = attempt
  return {
    at: new Date().toISOString(),
    act,
    request_id: attempt.requestId,
    verified: isKnown(attempt),
    tenant: context.tenant,
    workload: client,
    ...(verified.client ? { assertion_id: assertion.id } : {}),
    ...(verified.context
      ? {
          subject: context.subject,
          ...principalOf(context),
          context_id: context.id,
          context_request_id: context.requestId,
        }
      : {}),
  }
}
