import type { LeaseId } from '../core/lease.ts'
import { parseClientId, parseSubject } from '../core/names.ts'
import { parseCellName, parseTenantId } from '../core/tenant.ts'
import type { Revocable } from '../revocation/revocation.ts'
import type { UsedAssertions } from '../tokens/client-assertion.ts'
import { Behalf } from './behalf.ts'
import type { IssuedLeases } from './issued-leases.ts'
import type { JournalEntry } from './journal-entry.ts'
import { revocableOf } from './revocable.ts'

/** Longer than an assertion can be valid anywhere, clocks apart. Seconds. */
const ASSERTION_SECONDS = 130

/** Takes one line of the journal into what a process that starts knows. In the order of the lines. */
export function remember(entry: JournalEntry, issued: IssuedLeases, used: UsedAssertions): void {
  const { act, tenant, workload, lease_id, scope, cell, expires_at, assertion_id } = entry
  const saidAt = new Date(entry.at).getTime() / 1000
  if (assertion_id !== undefined && saidAt + ASSERTION_SECONDS > Date.now() / 1000) {
    used.take(`${workload}:${assertion_id}`, saidAt + ASSERTION_SECONDS)
  }
  if (act === 'grant' || act === 'renewal') {
    if (lease_id === undefined || scope === undefined || expires_at === undefined) return
    const lease = issued.find(lease_id as LeaseId) ?? {
      lease_id: lease_id as LeaseId,
      tenant: parseTenantId(tenant),
      holder: parseClientId(workload),
      scope,
      cell: parseCellName(cell),
      expires_at: new Date(expires_at),
      behalf: new Behalf(),
    }
    lease.behalf.add(principalOf(entry))
    issued.add(lease)
  }
  if (act !== 'revocation' && act !== 'ended') return
  if (lease_id !== undefined) issued.remove(lease_id as LeaseId)
  else {
    const gone = issued.select((lease) => lease.tenant === tenant && lease.cell === cell)
    for (const { lease_id } of gone) issued.remove(lease_id)
  }
}

/** On whose behalf, as it was written down. */
function principalOf(entry: JournalEntry): Revocable {
  const { tenant, subject, session, token, context_id = '', at } = entry
  return revocableOf({
    tenant: parseTenantId(tenant),
    subject: parseSubject(subject),
    id: context_id,
    issuedAt: new Date(at),
    ...(session === undefined ? {} : { session }),
    ...(token === undefined
      ? {}
      : { origin: { id: token.id, client: token.client, issuedAt: new Date(token.issued_at) } }),
  })
}
