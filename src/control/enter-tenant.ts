import { randomBytes } from 'node:crypto'
import { RingfenceError } from '../core/errors.ts'
import { refuseReserved } from '../core/operators-realm.ts'
import type { Actor, Tenants } from './control-plane.ts'
import type { Tx } from '../database/pooled-database.ts'
import { forgetDeclared } from './manifests/declared-parts.ts'
import { plansOf } from './plan-row.ts'
import type { TenantChanges } from './tenant-changes.ts'
import { checkNames } from './tenant-directory.ts'
import { lockTenant, TENANT_COLUMNS, type TenantRow, tenantRowOf } from './tenant-row.ts'
import { enterWorkflow } from './workflows/begin.ts'
import type { WorkflowRow } from './workflows/workflow-row.ts'

type Request = Parameters<Tenants['create']>[0]

/**
 * Enters a tenant as requested, with its onboarding, and an approval if its plan asks for one. The id
 * of an erased tenant may be taken again.
 * @throws RingfenceError `already_exists`, `no_capacity`, `invalid_argument`
 */
export async function enterTenant(
  tx: Tx,
  changes: TenantChanges,
  request: Request,
  approvalSeconds: number,
  by: Actor,
): Promise<WorkflowRow> {
  checkNames(request)
  refuseReserved(request.id)
  const plan = (await plansOf(tx)).find(({ name }) => name === request.plan)
  if (plan?.tiers.includes(request.tier) !== true) {
    throw new RingfenceError('invalid_argument', `no such plan for the tier ${request.tier}`)
  }
  await expectRoom(tx, request)
  const [created] = await tx.query(
    `insert into registry.tenant (id, display_name, tier, region, plan, status, hosts)
     values ($1, $2, $3, $4, $5, 'requested', $6) on conflict (id) do nothing
     returning ${TENANT_COLUMNS}`,
    valuesOf(request),
  )
  const row = created === undefined ? await takeAgain(tx, request) : tenantRowOf(created)
  await changes.entered(tx, row, created === undefined ? 'erased' : null, {
    by: by.name,
    why: `requested on plan ${request.plan}`,
    requestId: by.requestId,
  })
  const workflow = await enterWorkflow(
    tx,
    row,
    { kind: 'onboard', without: plan.approval ? [] : ['announce', 'approval'] },
    by,
  )
  if (plan.approval) await ask(tx, workflow, approvalSeconds, by)
  return workflow
}

/** Early, for whoever asks; the step that places it counts under a lock. */
async function expectRoom(tx: Tx, { region }: Request): Promise<void> {
  const rows = await tx.query(
    `select from registry.cell where region = $1 and open and capacity > (
       select count(*) from registry.tenant where tenant.cell = cell.name and status <> 'erased')`,
    [region],
  )
  if (rows.length === 0) {
    throw new RingfenceError('no_capacity', `no open cell of ${region} has room`)
  }
}

async function takeAgain(tx: Tx, request: Request): Promise<TenantRow> {
  const row = await lockTenant(tx, request.id)
  if (row.status !== 'erased') {
    throw new RingfenceError('already_exists', 'a tenant of this id is there')
  }
  await forgetDeclared(tx, request.id)
  const [again] = await tx.query(
    `update registry.tenant set display_name = $2, tier = $3, region = $4, plan = $5, hosts = $6,
            status = 'requested', legal_hold = false, revision = revision + 1,
            created_at = clock_timestamp(), changed_at = clock_timestamp()
      where id = $1 returning ${TENANT_COLUMNS}`,
    valuesOf(request),
  )
  return tenantRowOf(again)
}

function valuesOf({ id, displayName, tier, region, plan, hosts }: Request): readonly unknown[] {
  return [id, displayName, tier, region, plan, hosts ?? []]
}

async function ask(tx: Tx, workflow: WorkflowRow, seconds: number, by: Actor): Promise<void> {
  await tx.query(
    `insert into registry.approval
       (id, workflow, tenant, kind, requested_by, expires_at, state, requested_person)
     values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6), 'pending', $7)`,
    [
      `approval-${randomBytes(8).toString('hex')}`,
      workflow.id,
      workflow.tenant,
      workflow.kind,
      workflow.by,
      seconds,
      by.person ?? null,
    ],
  )
}
