import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import type { TenantId, Tier } from '../core/tenant.ts'
import { doneBefore, recordAct, requireScope } from './act.ts'
import { callOff } from './call-off.ts'
import type { Actor, Tenants, WorkflowView } from './control-plane.ts'
import type { Tx } from '../database/pooled-database.ts'
import type { Database } from './database.ts'
import { enterTenant } from './enter-tenant.ts'
import type { FourEyes } from './operators/four-eyes.ts'
import type { GuardedAct } from './operators/guarded-acts.ts'
import { plansOf } from './plan-row.ts'
import type { TenantChanges } from './tenant-changes.ts'
import { lockTenant, type TenantRow } from './tenant-row.ts'
import { enterWorkflow } from './workflows/begin.ts'
import { goOn } from './workflows/go-on.ts'
import { refuseLegalHold } from './workflows/offboard.ts'
import {
  findWorkflow,
  newestOf,
  stepsOf,
  WORKFLOW_COLUMNS,
  type WorkflowRow,
  workflowRowOf,
  workflowView,
} from './workflows/workflow-row.ts'

export interface LifecycleParts {
  readonly database: Database
  readonly changes: TenantChanges
  /** Begins the run of a workflow whose transaction has committed. */
  readonly begin: (workflow: WorkflowRow) => Promise<void>
  /** Sets going what was made due. */
  readonly wake: () => Promise<void>
  /** True when changes are recorded in an outside system. */
  readonly recordsChanges: boolean
  /** How long an approval may be waited for. */
  readonly approvalSeconds: number
  readonly fourEyes: FourEyes
}

type Work = (tx: Tx, tenant: TenantRow) => Promise<WorkflowRow>

/**
 * Begins the workflows of tenants. What must hold at once, a status or the end of access, is written in
 * the transaction that begins the workflow.
 */
export class TenantLifecycle {
  readonly #parts: LifecycleParts

  constructor(parts: LifecycleParts) {
    this.#parts = parts
  }

  async create(request: Parameters<Tenants['create']>[0], by: Actor): Promise<WorkflowView> {
    const { database, changes, approvalSeconds } = this.#parts
    requireScope(by, 'tenants:write')
    return this.#beginning(() =>
      database.transaction(async (tx) => {
        const before = await workflowOfCall(tx)
        if (before !== undefined) return before
        const workflow = await enterTenant(tx, changes, request, approvalSeconds, by)
        const detail = { ...request, workflow: workflow.id }
        await recordAct(tx, by, 'tenant.create', request.id, detail, [{ tenant: request.id }])
        return workflow
      }),
    )
  }

  /** Enters a tenant in the caller's transaction, which records it; `beginAll` when it has committed. */
  enter(tx: Tx, request: Parameters<Tenants['create']>[0], by: Actor): Promise<WorkflowRow> {
    requireScope(by, 'tenants:write')
    const { changes, approvalSeconds } = this.#parts
    return enterTenant(tx, changes, request, approvalSeconds, by)
  }

  async beginAll(workflows: readonly WorkflowRow[]): Promise<void> {
    for (const workflow of workflows) await this.#beginning(() => Promise.resolve(workflow))
  }

  suspend(tenant: TenantId, why: string, by: Actor): Promise<WorkflowView> {
    return this.#change('tenant.suspend', tenant, { why }, by, async (tx, row) => {
      expectActive(row)
      const workflow = await enterWorkflow(tx, row, { kind: 'suspend', done: ['close'] }, by)
      const patch = { status: 'suspended', serving: 'suspended' } as const
      await this.#parts.changes.change(tx, row, patch, causeOf(by, why))
      return workflow
    })
  }

  resume(tenant: TenantId, by: Actor): Promise<WorkflowView> {
    return this.#change('tenant.resume', tenant, {}, by, async (tx, row) => {
      const newest = await newestOf(tx, tenant)
      if (newest?.state === 'waiting' && row.status === 'requested') {
        throw new RingfenceError('approval_required', 'a second person has to approve it first')
      }
      if (newest?.state === 'failed' && !newest.superseded) return this.#goOn(tx, row, newest, by)
      if (row.status === 'suspended') return enterWorkflow(tx, row, { kind: 'resume' }, by)
      const failed = await newestFailure(tx, tenant)
      if (failed === undefined) throw new RingfenceError('conflict', 'there is nothing to resume')
      return this.#goOn(tx, row, failed, by)
    })
  }

  move(tenant: TenantId, to: Tier, by: Actor): Promise<WorkflowView> {
    return this.#change('tenant.move', tenant, { to }, by, async (tx, row) => {
      expectActive(row)
      await checkMove(tx, row, to)
      const why = `moves from ${row.tier} to ${to}`
      const without = this.#parts.recordsChanges ? [] : ['record']
      const workflow = await enterWorkflow(tx, row, { kind: 'move', input: { to }, without }, by)
      await this.#parts.changes.change(tx, row, { status: 'moving' }, causeOf(by, why))
      return workflow
    })
  }

  /** @throws ApprovalRequired for a purge, once four eyes are in force */
  async offboard(
    tenant: TenantId,
    { purge, why }: { readonly purge: boolean; readonly why: string },
    by: Actor,
  ): Promise<WorkflowView> {
    requireScope(by, 'tenants:write')
    const pass = purge ? await this.#parts.fourEyes.pass(by, purgeOf(tenant)) : undefined
    return this.#change('tenant.offboard', tenant, { purge, why }, by, async (tx, row) => {
      await pass?.use(tx)
      refuseLegalHold(row)
      if (row.status === 'erased') throw new RingfenceError('conflict', 'the tenant is erased')
      const newest = await newestOf(tx, tenant)
      if (newest !== undefined && isOpenOffboarding(newest)) return hasten(tx, newest, purge)
      const without = [
        ...(this.#parts.recordsChanges ? [] : ['record']),
        ...(purge ? ['grace'] : []),
      ]
      const input = { purge, why, before: row.status }
      const workflow = await enterWorkflow(
        tx,
        row,
        { kind: 'offboard', input, without, done: ['close'] },
        by,
      )
      // For a tenant that is only requested nothing was made: it has no access to end.
      if (row.status === 'requested') return workflow
      const serving = row.serving === null ? null : 'suspended'
      const patch = { status: 'offboarding', serving } as const
      await this.#parts.changes.change(tx, row, patch, causeOf(by, why))
      return workflow
    })
  }

  cancel(tenant: TenantId, by: Actor): Promise<WorkflowView> {
    return this.#change('tenant.cancel', tenant, {}, by, (tx, row) => callOff(tx, row, by))
  }

  export(tenant: TenantId, by: Actor): Promise<WorkflowView> {
    return this.#change('tenant.export', tenant, {}, by, async (tx, row) => {
      if (row.serving === null) {
        throw new RingfenceError('conflict', 'the tenant has nothing to export')
      }
      return enterWorkflow(tx, row, { kind: 'export' }, by)
    })
  }

  async #change(
    action: string,
    tenant: TenantId,
    detail: Readonly<Record<string, unknown>>,
    by: Actor,
    work: Work,
  ): Promise<WorkflowView> {
    requireScope(by, 'tenants:write')
    return this.#beginning(() =>
      this.#parts.database.transaction(async (tx) => {
        const row = await lockTenant(tx, tenant)
        const before = await workflowOfCall(tx)
        if (before !== undefined) return before
        const workflow = await work(tx, row)
        const recorded = { ...detail, workflow: workflow.id }
        await recordAct(tx, by, action, tenant, recorded, [{ tenant }])
        return workflow
      }),
    )
  }

  /** Once the transaction has committed, somebody runs it: we, or supervision if we die here. */
  async #beginning(enter: () => Promise<WorkflowRow>): Promise<WorkflowView> {
    const { database, begin, wake } = this.#parts
    const { id, run, state } = await enter()
    const workflow = await findWorkflow(database, id)
    if (workflow === undefined) throw new RingfenceError('internal', 'the workflow is not there')
    if (state === 'running') await begin({ ...workflow, run })
    if (state === 'waiting') await wake()
    return workflowView(workflow, await stepsOf(database, id))
  }

  async #goOn(tx: Tx, row: TenantRow, workflow: WorkflowRow, by: Actor): Promise<WorkflowRow> {
    if (workflow.kind === 'move' && !workflow.committed && row.status !== 'moving') {
      // It was taken back when it failed, and begins anew.
      await this.#parts.changes.change(tx, row, { status: 'moving' }, causeOf(by, 'moves again'))
    }
    return goOn(tx, workflow)
  }
}

function purgeOf(tenant: TenantId): GuardedAct {
  const summary = `erase ${tenant} at once, without a grace period`
  return { kind: 'purge', tenant, subject: tenant, summary, detail: {} }
}

function expectActive({ status }: TenantRow): void {
  if (status !== 'active') throw new RingfenceError('conflict', `the tenant is ${status}`)
}

function causeOf(by: Actor, why: string) {
  if (why.trim() === '') throw new RingfenceError('invalid_argument', 'say why')
  return { by: by.name, why, requestId: by.requestId }
}

async function workflowOfCall(tx: Tx): Promise<WorkflowRow | undefined> {
  const detail = await doneBefore(tx)
  return detail === undefined ? undefined : findWorkflow(tx, z.string().parse(detail['workflow']))
}

async function newestFailure(tx: Tx, tenant: TenantId): Promise<WorkflowRow | undefined> {
  const [row] = await tx.query(
    `select ${WORKFLOW_COLUMNS} from registry.workflow
      where tenant = $1 and state = 'failed' and not superseded order by seq desc limit 1`,
    [tenant],
  )
  return row === undefined ? undefined : workflowRowOf(row)
}

async function checkMove(tx: Tx, row: TenantRow, to: Tier): Promise<void> {
  if (row.tier === to) throw new RingfenceError('conflict', `the tenant is ${to} already`)
  const plan = (await plansOf(tx)).find(({ name }) => name === row.plan)
  if (plan?.tiers.includes(to) !== true) {
    throw new RingfenceError('invalid_argument', `the plan ${row.plan} has no tier ${to}`)
  }
  const unfinished = await tx.query(
    `select from registry.workflow where tenant = $1 and kind = 'move' and committed
        and state = 'failed' and not superseded`,
    [row.id],
  )
  if (unfinished.length > 0) {
    throw new RingfenceError('conflict', 'the last move is not finished: resume it first')
  }
}

function isOpenOffboarding({ kind, state, superseded }: WorkflowRow): boolean {
  return kind === 'offboard' && !superseded && state !== 'succeeded' && state !== 'cancelled'
}

/** An offboarding that is there: a purge ends its grace period, and one that failed goes on. */
async function hasten(tx: Tx, workflow: WorkflowRow, purge: boolean): Promise<WorkflowRow> {
  const under = workflow.state === 'running' || workflow.state === 'waiting'
  if (under && !purge) {
    throw new RingfenceError('conflict', 'the tenant is being offboarded already')
  }
  const [row] = await tx.query(
    `update registry.workflow
        set input = jsonb_set(input, '{purge}', to_jsonb((input ->> 'purge')::boolean or $2)),
            wake_at = case when state = 'waiting' and $2 then clock_timestamp() else wake_at end
      where id = $1 returning ${WORKFLOW_COLUMNS}`,
    [workflow.id, purge],
  )
  return under ? workflowRowOf(row) : goOn(tx, workflow)
}
