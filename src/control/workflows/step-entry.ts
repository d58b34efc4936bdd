import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import { lockTenant, type TenantRow } from '../tenant-row.ts'
import type { Step } from './definition.ts'
import type { Executor } from './executor.ts'
import { addEvent } from './progress.ts'
import { findWorkflow, stepsOf, type StepRow, type WorkflowRow } from './workflow-row.ts'

/** A step that this process may work on now. */
export interface Entry {
  readonly workflow: WorkflowRow
  readonly tenant: TenantRow
  readonly outputs: Readonly<Record<string, unknown>>
  /** It was called off, and is to be taken back. */
  readonly calledOff: boolean
  /** Why it may not begin. */
  readonly refused: unknown
}

/** The tenant and the workflow, locked in this order everywhere, and still ours to work on. */
export async function lockOurs(
  tx: Tx,
  executor: Executor,
  { id, tenant: tenantId, run }: Pick<WorkflowRow, 'id' | 'tenant' | 'run'>,
): Promise<{ tenant: TenantRow; workflow: WorkflowRow } | undefined> {
  const tenant = await lockTenant(tx, tenantId)
  const workflow = await findWorkflow(tx, id, 'for update')
  if (workflow === undefined || workflow.run !== run || workflow.state !== 'running')
    return undefined
  return (await executor.mayWorkOn(tx, workflow)) ? { tenant, workflow } : undefined
}

/**
 * Enters a step as running. Undefined when it is not ours to run: the workflow has ended, was set
 * going anew, or is another process's by now. `done` when it was finished before.
 */
export async function enterStep(
  database: Database,
  executor: Executor,
  id: string,
  run: number,
  name: string,
  step: Step,
): Promise<Entry | 'done' | undefined> {
  const seen = await findWorkflow(database, id)
  if (seen === undefined) return undefined
  return database.transaction(async (tx) => {
    const ours = await lockOurs(tx, executor, { id, tenant: seen.tenant, run })
    if (ours === undefined) return undefined
    const { tenant, workflow } = ours
    const steps = await stepsOf(tx, id)
    const row = steps.find((one) => one.name === name)
    if (row === undefined || row.state === 'done') return 'done'
    const calledOff = workflow.cancel_by !== null && !workflow.committed
    const refused = calledOff ? undefined : refusal(() => step.allow?.(tenant))
    await tx.query(
      `update registry.workflow set executor = $2, touched_at = clock_timestamp(),
              committed = committed or $3 where id = $1`,
      [id, executor.id, step.commits === true && !calledOff && refused === undefined],
    )
    await tx.query(
      `update registry.workflow_step set state = 'running', ended_at = null, note = null,
              started_at = case when state = 'running' then started_at else clock_timestamp() end
        where workflow = $1 and name = $2`,
      [id, name],
    )
    await addEvent(tx, id, name, 'running', undefined)
    return { workflow, tenant, outputs: outputsOf(steps), calledOff, refused }
  })
}

function refusal(allow: () => void): unknown {
  try {
    allow()
    return undefined
  } catch (error) {
    return error
  }
}

export function outputsOf(steps: readonly StepRow[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(steps.map(({ name, output }) => [name, output]))
}
