import type { WorkflowEvent } from '../control-plane.ts'
import type { Tx } from '../database.ts'

/** Carries the id of a workflow that has something new. */
export const WORKFLOW_CHANNEL = 'registry_workflow'

/** Appends an event to a workflow and wakes who follows it, when the transaction commits. */
export async function addEvent(
  tx: Pick<Tx, 'query'>,
  workflow: string,
  step: string,
  state: WorkflowEvent['state'],
  note: string | undefined,
): Promise<void> {
  // One statement, and the counter's row lock keeps numbers without gaps or doubles.
  await tx.query(
    `with counted as (
       update registry.workflow set events = events + 1, touched_at = clock_timestamp()
        where id = $1 returning events),
     added as (
       insert into registry.workflow_event (workflow, n, step, state, note)
       select $1, events, $2, $3, $4 from counted)
     select pg_notify($5, $1)`,
    [workflow, step, state, note ?? null, WORKFLOW_CHANNEL],
  )
}
