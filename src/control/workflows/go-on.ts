import type { Tx } from '../../database/pooled-database.ts'
import { oneAtATime } from './begin.ts'
import { DEFINITIONS } from './definitions.ts'
import { addEvent } from './progress.ts'
import { WORKFLOW_COLUMNS, type WorkflowRow, workflowRowOf } from './workflow-row.ts'

/**
 * Sets a failed workflow going again at the step that failed, in the transaction that has locked the
 * tenant. What has to be fresh is checked anew.
 * @throws RingfenceError `conflict` while another is under way for the tenant
 */
export async function goOn(tx: Tx, workflow: WorkflowRow): Promise<WorkflowRow> {
  const { steps } = DEFINITIONS[workflow.kind]
  const fresh = Object.keys(steps).filter((name) => steps[name]?.fresh === true)
  // The last step stands for all: when it is done, nothing rests on the checks any more.
  await tx.query(
    `update registry.workflow_step set state = 'pending', note = null, ended_at = null
      where workflow = $1 and (state in ('failed', 'running') or (state = 'done' and name = any ($2)
        and not exists (select from registry.workflow_step as after
                         where after.workflow = $1 and after.n > workflow_step.n
                           and after.name = 'activate' and after.state = 'done')))`,
    [workflow.id, fresh],
  )
  try {
    const [row] = await tx.query(
      `update registry.workflow set state = 'running', run = run + 1, error = null, ended_at = null,
              executor = null, touched_at = clock_timestamp()
        where id = $1 returning ${WORKFLOW_COLUMNS}`,
      [workflow.id],
    )
    await addEvent(tx, workflow.id, 'resume', 'pending', 'goes on')
    return workflowRowOf(row)
  } catch (error) {
    throw oneAtATime(error)
  }
}
