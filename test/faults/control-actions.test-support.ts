import type { DatabaseSettings } from '../../src/database/pooled-database.ts'
import { jane, request } from '../../src/control/control-site.test-support.ts'
import type { WorkflowView } from '../../src/control/control-plane.ts'
import type { OpenControlPlane } from '../../src/control/open-control-plane.ts'
import { parseTenantId, type TenantId } from '../../src/core/tenant.ts'
import type { Address } from '../../src/http/call.ts'

export const ACTIONS = ['onboard', 'suspend', 'resume', 'move', 'offboard', 'export'] as const
export type Action = (typeof ACTIONS)[number]

/** What a control process that is to be killed is told on its standard input. */
export interface Order {
  readonly database: DatabaseSettings
  readonly fake: DatabaseSettings
  readonly executorId: string
  readonly exportDirectory: string
  readonly keys: { readonly snapshot: object; readonly job: object }
  readonly action: Action
  readonly tenant: string
  /** Counts the points, before and after each call to another plane or each use of the database. */
  readonly killAt?: number
  readonly points: 'ports' | 'database'
  /** Where the host of a real cell listens; without it the cells are fake. */
  readonly keeper?: Address
}

/** Asks for the action, as somebody does who does not know whether it was asked for before. */
export async function act(
  plane: OpenControlPlane,
  action: Action,
  id: string,
): Promise<WorkflowView> {
  const tenant = parseTenantId(id)
  const { items } = await plane.workflows.list({ tenant }, { limit: 50 })
  const there = items.find(({ kind, state }) => kind === action && state !== 'failed')
  if (there !== undefined) return there
  return BEGIN[action](plane, tenant)
}

const BEGIN: Readonly<
  Record<Action, (plane: OpenControlPlane, tenant: TenantId) => Promise<WorkflowView>>
> = {
  onboard: ({ tenants }, tenant) => tenants.create(request(tenant), jane),
  suspend: ({ tenants }, tenant) => tenants.suspend(tenant, 'to be killed', jane),
  resume: ({ tenants }, tenant) => tenants.resume(tenant, jane),
  move: ({ tenants }, tenant) => tenants.move(tenant, 'bridge', jane),
  offboard: ({ tenants }, tenant) =>
    tenants.offboard(tenant, { purge: true, why: 'to be killed' }, jane),
  export: ({ tenants }, tenant) => tenants.export(tenant, jane),
}
