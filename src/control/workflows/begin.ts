import { randomBytes } from 'node:crypto'
import { RingfenceError } from '../../core/errors.ts'
import type { Actor, WorkflowKind } from '../control-plane.ts'
import { breaks } from '../../database/server-errors.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { TenantRow } from '../tenant-row.ts'
import { DEFINITIONS } from './definitions.ts'
import { addEvent } from './progress.ts'
import { WORKFLOW_COLUMNS, type WorkflowRow, workflowRowOf } from './workflow-row.ts'

export interface Beginning {
  readonly kind: WorkflowKind
  readonly input?: Readonly<Record<string, unknown>>
  /** Steps of the kind that this one does not need. */
  readonly without?: readonly string[]
  /** Steps that the transaction which begins it does itself. */
  readonly done?: readonly string[]
}

/**
 * Enters a workflow with its steps, in the transaction that has locked the tenant. It runs when that
 * has committed and its run was begun; if nobody lives to begin it, supervision does.
 * @throws RingfenceError `conflict` while another is under way for the tenant
 */
export async function enterWorkflow(
  tx: Tx,
  tenant: Pick<TenantRow, 'id'>,
  { kind, input = {}, without = [], done = [] }: Beginning,
  by: Actor,
): Promise<WorkflowRow> {
  const id = `${kind}-${tenant.id}-${randomBytes(6).toString('hex')}`
  const names = Object.keys(DEFINITIONS[kind].steps).filter((name) => !without.includes(name))
  if (kind !== 'export') await supersede(tx, tenant, kind)
  const row = await insert(tx, id, tenant, kind, input, by)
  await tx.query(
    `insert into registry.workflow_step (workflow, n, name, state, started_at, ended_at)
     select $1, n, name, case when name = any ($3) then 'done' else 'pending' end,
            case when name = any ($3) then clock_timestamp() end,
            case when name = any ($3) then clock_timestamp() end
       from unnest($2::text[]) with ordinality as step (name, n)`,
    [id, names, done],
  )
  for (const name of done) await addEvent(tx, id, name, 'done', undefined)
  return row
}

/**
 * Older failures mean nothing any more, except a move behind its cut-over: its old place is still to
 * be erased, unless all of the tenant is.
 */
async function supersede(tx: Tx, tenant: Pick<TenantRow, 'id'>, kind: WorkflowKind): Promise<void> {
  await tx.query(
    `update registry.workflow set superseded = true
      where tenant = $1 and state = 'failed' and kind <> 'export' and not superseded
        and ($2 = 'offboard' or not (kind = 'move' and committed))`,
    [tenant.id, kind],
  )
}

async function insert(
  tx: Tx,
  id: string,
  tenant: Pick<TenantRow, 'id'>,
  kind: WorkflowKind,
  input: Readonly<Record<string, unknown>>,
  by: Actor,
): Promise<WorkflowRow> {
  try {
    const [row] = await tx.query(
      `insert into registry.workflow (id, kind, tenant, state, by, request_id, input)
       values ($1, $2, $3, 'running', $4, $5, $6) returning ${WORKFLOW_COLUMNS}`,
      [id, kind, tenant.id, by.name, by.requestId, JSON.stringify(input)],
    )
    return workflowRowOf(row)
  } catch (error) {
    throw oneAtATime(error)
  }
}

/** Names the error of the index that lets one workflow a tenant be under way. */
export function oneAtATime(error: unknown): unknown {
  return breaks(error, 'workflow_one_a_tenant')
    ? new RingfenceError('conflict', 'another workflow is under way for this tenant')
    : error
}
