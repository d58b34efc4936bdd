import type { LeaseId } from '../core/lease.ts'
import { parseClientId } from '../core/names.ts'
import { parseCellName, parseTenantId } from '../core/tenant.ts'
import type { UsedAssertions } from '../tokens/client-assertion.ts'
import type { IssuedLeases } from './issued-leases.ts'
import type { JournalEntry } from './journal-entry.ts'

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
    issued.add({
      lease_id: lease_id as LeaseId,
      tenant: parseTenantId(tenant),
      holder: parseClientId(workload),
      scope,
      cell: parseCellName(cell),
      expires_at: new Date(expires_at),
    })
  }
  if (act !== 'revocation' && act !== 'ended') return
  if (lease_id !== undefined) issued.remove(lease_id as LeaseId)
  else {
    const gone = issued.select((lease) => lease.tenant === tenant && lease.cell === cell)
    for (const { lease_id } of gone) issued.remove(lease_id)
  }
}
