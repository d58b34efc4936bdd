import { randomUUID } from 'node:crypto'
import type { AuditEntry, LogName } from '../../audit/entry.ts'
import { type LogParts, tenantOf } from './log-parts.ts'

/** What the records plane itself does to a log, as an entry of that log. */
export function platformEntry(
  { now }: LogParts,
  log: LogName,
  act: Pick<AuditEntry, 'category' | 'action' | 'reason' | 'detail' | 'object'>,
): AuditEntry {
  const tenant = tenantOf(log)
  return {
    ...act,
    id: randomUUID(),
    time: new Date(now()).toISOString(),
    ...(tenant === undefined ? {} : { tenant }),
    actor: { kind: 'platform', id: 'records' },
    decision: 'done',
    layer: 'records',
  }
}
