import { z } from 'zod'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { WORKFLOW_KINDS, type WorkflowStep, type WorkflowView } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'

export const WORKFLOW_STATES = ['running', 'waiting', 'succeeded', 'failed', 'cancelled'] as const
export const STEP_STATES = ['pending', 'running', 'done', 'failed'] as const

const rowSchema = z.object({
  id: z.string(),
  seq: z.string(),
  kind: z.enum(WORKFLOW_KINDS),
  tenant: parsed(parseTenantId),
  state: z.enum(WORKFLOW_STATES),
  by: z.string(),
  request_id: z.string(),
  input: z.unknown(),
  result: z.unknown(),
  error: z.string().nullable(),
  /** Counts how often it was set going: one run of the workflow library each. */
  run: z.number(),
  /** The process that works on it. */
  executor: z.string().nullable(),
  /** Who called it off. */
  cancel_by: z.string().nullable(),
  /** Behind the point after which it can only go forward. */
  committed: z.boolean(),
  /** A failure that a later workflow has made meaningless. */
  superseded: z.boolean(),
  started_at: z.date(),
  ended_at: z.date().nullable(),
})
export type WorkflowRow = z.output<typeof rowSchema>

export const WORKFLOW_COLUMNS = Object.keys(rowSchema.shape)
  .map((column) => `workflow.${column}`)
  .join(', ')

const stepSchema = z.object({
  n: z.number(),
  name: z.string(),
  state: z.enum(STEP_STATES),
  started_at: z.date().nullable(),
  ended_at: z.date().nullable(),
  note: z.string().nullable(),
  output: z.unknown(),
})
export type StepRow = z.output<typeof stepSchema>

export function workflowRowOf(row: unknown): WorkflowRow {
  return rowSchema.parse(row)
}

export async function findWorkflow(tx: Pick<Tx, 'query'>, id: string, lock = '') {
  const [row] = await tx.query(
    `select ${WORKFLOW_COLUMNS} from registry.workflow where id = $1 ${lock}`,
    [id],
  )
  return row === undefined ? undefined : workflowRowOf(row)
}

export async function stepsOf(tx: Pick<Tx, 'query'>, id: string): Promise<readonly StepRow[]> {
  const rows = await tx.query(
    `select n, name, state, started_at, ended_at, note, output
       from registry.workflow_step where workflow = $1 order by n`,
    [id],
  )
  return rows.map((row) => stepSchema.parse(row))
}

/** The tenant's newest workflow that is no export: what its present state comes from. */
export async function newestOf(
  tx: Pick<Tx, 'query'>,
  tenant: TenantId,
): Promise<WorkflowRow | undefined> {
  const [row] = await tx.query(
    `select ${WORKFLOW_COLUMNS} from registry.workflow
      where tenant = $1 and kind <> 'export' order by seq desc limit 1`,
    [tenant],
  )
  return row === undefined ? undefined : workflowRowOf(row)
}

export function workflowView(row: WorkflowRow, steps: readonly StepRow[]): WorkflowView {
  const now = steps.find((step) => step.state === 'running' || step.state === 'failed')
  return {
    id: row.id,
    kind: row.kind,
    tenant: row.tenant,
    state: row.state,
    step:
      row.state === 'succeeded'
        ? undefined
        : (now ?? steps.find((step) => step.state === 'pending'))?.name,
    steps: steps.map(stepView),
    error: row.error ?? undefined,
    by: row.by,
    startedAt: row.started_at,
    endedAt: row.ended_at ?? undefined,
    result: row.result ?? undefined,
  }
}

function stepView(step: StepRow): WorkflowStep {
  return {
    name: step.name,
    state: step.state,
    startedAt: step.started_at ?? undefined,
    endedAt: step.ended_at ?? undefined,
    note: step.note ?? undefined,
  }
}
