import { RingfenceError } from '../core/errors.ts'
import type { Actor } from './control-plane.ts'
import type { Tx } from '../database/pooled-database.ts'
import type { TenantRow } from './tenant-row.ts'
import { goOn } from './workflows/go-on.ts'
import { offboardInput } from './workflows/offboard.ts'
import {
  newestOf,
  WORKFLOW_COLUMNS,
  type WorkflowRow,
  workflowRowOf,
} from './workflows/workflow-row.ts'

/**
 * Calls the tenant's workflow off, in the transaction that has locked the tenant: a step that runs ends
 * first, then all is taken back. The lock decides between a cancel and the step that goes too far.
 * @throws RingfenceError `conflict` when there is nothing that can be called off any more
 */
export async function callOff(tx: Tx, tenant: TenantRow, by: Actor): Promise<WorkflowRow> {
  const newest = await newestOf(tx, tenant.id)
  if (newest === undefined || !canBeCalledOff(tenant, newest)) {
    throw new RingfenceError('conflict', 'nothing is under way that can still be called off')
  }
  const [row] = await tx.query(
    `update registry.workflow set cancel_by = $2,
            wake_at = case when state = 'waiting' then clock_timestamp() end
      where id = $1 and not committed returning ${WORKFLOW_COLUMNS}`,
    [newest.id, by.name],
  )
  if (row === undefined) {
    throw new RingfenceError('conflict', 'nothing is under way that can still be called off')
  }
  return newest.state === 'failed' ? goOn(tx, newest) : workflowRowOf(row)
}

function canBeCalledOff(tenant: TenantRow, workflow: WorkflowRow): boolean {
  if (workflow.committed || workflow.superseded) return false
  if (workflow.state === 'succeeded' || workflow.state === 'cancelled') return false
  if (workflow.kind === 'move') return tenant.status === 'moving'
  if (workflow.kind === 'onboard') return tenant.status === 'requested'
  if (workflow.kind !== 'offboard') return false
  // What never became whole has nothing to go back to.
  const { before } = offboardInput.parse(workflow.input)
  return before === 'active' || before === 'suspended' || before === 'moving'
}
