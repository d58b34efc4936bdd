import type { Lease } from '../core/lease.ts'
import type { JournalLine } from '../journal/journal-line.ts'
import type { UsageEvent } from '../usage/usage-event.ts'
import type { Attempt } from './attempt.ts'

/**
 * The line of the journal for a lease that was made for the caller, by its id: for whoever pays for what is
 * done in the context.
 */
export function usageOf(
  { context, client, tenant: configured }: Attempt,
  lease: Pick<Lease, 'lease_id' | 'cell' | 'expires_at' | 'scope'>,
  source: string,
): JournalLine {
  const { tenant, billed = tenant, delegation, subject } = context
  const now = new Date()
  const value: UsageEvent = {
    specversion: '1.0',
    id: lease.lease_id,
    source,
    type: 'dev.ringfence.lease',
    subject,
    time: now.toISOString(),
    tenantid: billed,
    ...(delegation === undefined ? {} : { tenantcontextid: tenant, grantid: delegation.grant }),
    data: {
      workload: client,
      service: context.service,
      scope: lease.scope,
      cell: lease.cell,
      kind: context.kind,
      seconds: Math.max(0, Math.round((lease.expires_at.getTime() - now.getTime()) / 1000)),
      ...(configured === undefined ? {} : { tier: configured.tier }),
    },
  }
  return { kind: 'usage', value }
}
