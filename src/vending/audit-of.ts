import type { AuditEntry } from '../audit/entry.ts'
import { makeEntry } from '../audit/make-entry.ts'
import { parseTenantId } from '../core/tenant.ts'
import type { JournalEntry } from './journal-entry.ts'

const ACTIONS = {
  grant: 'lease.granted',
  renewal: 'lease.renewed',
  revocation: 'lease.revoked',
  denial: 'lease.denied',
  ended: 'lease.ended',
  uncounted: 'lease.denied-uncounted',
} as const satisfies Readonly<Record<JournalEntry['act'], string>>

/**
 * The entry in a log for a line of the journal. Whose it is counts only when it was verified: what a
 * caller merely claims goes to the platform's own log, and to no tenant's.
 */
export function auditOf(entry: JournalEntry): AuditEntry {
  const { act, verified, tenant, workload, actor, lease_id } = entry
  const denied = act === 'denial' || act === 'uncounted'
  return makeEntry({
    time: new Date(entry.at),
    ...(verified && tenant !== undefined ? { tenant: parseTenantId(tenant) } : {}),
    category: 'lease',
    action: ACTIONS[act],
    actor: actorOf(entry),
    on_behalf_of: principalOf(entry),
    ...(lease_id === undefined ? {} : { object: { type: 'lease', id: lease_id } }),
    decision: denied ? 'denied' : act === 'ended' || act === 'revocation' ? 'done' : 'allowed',
    layer: `vending ${entry.layer}`,
    reason: entry.reason,
    request_id: entry.context_request_id ?? (entry.request_id || undefined),
    grant_id: entry.grant_id,
    detail: {
      scope: entry.scope,
      expires_at: entry.expires_at,
      session: entry.session,
      token_id: entry.token?.id,
      client: entry.token?.client,
      acting: actor,
      vending_request_id: entry.request_id || undefined,
      context_id: entry.context_id,
      assertion_id: entry.assertion_id,
      count: entry.count,
      ...(verified ? {} : { claimed_tenant: tenant, claimed_workload: workload }),
    },
  })
}

function actorOf({ act, verified, workload }: JournalEntry): AuditEntry['actor'] {
  if (act === 'ended') return { kind: 'platform', id: 'vending' }
  if (!verified) return { kind: 'unknown', id: 'unknown' }
  return { kind: 'workload', id: workload ?? 'unknown' }
}

/** Under a grant, who acts is the partner's principal. */
function principalOf(entry: JournalEntry): AuditEntry['on_behalf_of'] {
  const { verified, subject, actor, grantee } = entry
  if (!verified || subject === undefined) return undefined
  if (grantee === undefined) return { kind: 'user', id: subject }
  return { kind: 'user', id: actor ?? subject, tenant: parseTenantId(grantee) }
}
