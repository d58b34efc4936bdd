import { z } from 'zod'
import type { AuditEntry, Category } from '../../audit/entry.ts'
import { type AuditDraft, makeEntry } from '../../audit/make-entry.ts'
import { submitEntries } from '../../audit/submit-entries.ts'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId } from '../../core/tenant.ts'
import type { WorkflowEvent } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'

/** Carries the id of a workflow that has something new. */
export const WORKFLOW_CHANNEL = 'registry_workflow'

/** What is entered in the logs of the platform and of the tenant. That something runs is told elsewhere. */
const ENTERED: Partial<Readonly<Record<WorkflowEvent['state'], AuditEntry['decision']>>> = {
  done: 'done',
  succeeded: 'done',
  waiting: 'done',
  cancelled: 'failed',
  failed: 'failed',
}
const CATEGORIES: Readonly<Record<string, Category>> = { export: 'export', erase: 'erasure' }

const rowSchema = z.object({ tenant: parsed(parseTenantId), kind: z.string() })

/**
 * Appends an event to a workflow, and its entries to the logs, and wakes who follows it, when the
 * transaction commits.
 */
export async function addEvent(
  tx: Pick<Tx, 'query'>,
  workflow: string,
  step: string,
  state: WorkflowEvent['state'],
  note: string | undefined,
): Promise<void> {
  // One statement, and the counter's row lock keeps numbers without gaps or doubles.
  const [row] = await tx.query(
    `with counted as (
       update registry.workflow set events = events + 1, touched_at = clock_timestamp()
        where id = $1 returning events, tenant, kind),
     added as (
       insert into registry.workflow_event (workflow, n, step, state, note)
       select $1, events, $2, $3, $4 from counted)
     select tenant, kind, pg_notify($5, $1) from counted`,
    [workflow, step, state, note ?? null, WORKFLOW_CHANNEL],
  )
  const decision = ENTERED[state]
  if (row === undefined || decision === undefined) return
  const { tenant, kind } = rowSchema.parse(row)
  const draft: AuditDraft = {
    category: CATEGORIES[step] ?? CATEGORIES[kind] ?? 'lifecycle',
    action: `${kind}.${state}`,
    actor: { kind: 'platform', id: 'control' },
    object: { type: 'workflow', id: workflow },
    decision,
    layer: 'workflow',
    detail: { step },
  }
  // A note names cells, and what went wrong in them: the tenant is told the step.
  await submitEntries(tx, [makeEntry({ ...draft, reason: note }), makeEntry({ ...draft, tenant })])
}
