import {
  tenantSchema,
  type WireTenant,
  type WireWorkflow,
  workflowSchema,
} from '../control/api/schemas.ts'
import { RingfenceError } from '../core/errors.ts'
import type { PlatformTenant } from '../platform/platform-manifest.ts'
import type { ControlClient } from './control-client.ts'

/**
 * Sees to it that a manifest's tenant is there and active: onboards it, or goes on where an earlier
 * start was ended. What an operator changed since (a tier, a suspension) stays.
 * @throws RingfenceError `conflict` with the step that failed and why
 */
export async function placeTenant(
  client: ControlClient,
  tenant: PlatformTenant,
  signal: AbortSignal,
): Promise<WireTenant> {
  const path = `/v1/tenants/${tenant.id}`
  const found = await client.get(path, tenantSchema).catch(orUndefined)
  if (found === undefined) {
    await finish(client, await create(client, tenant), signal)
  } else if (found.failure !== null) {
    const again = { method: 'POST', path: `${path}/resumption`, body: {} } as const
    await finish(client, await client.change(again, workflowSchema), signal)
  } else if (found.status === 'requested' || found.status === 'provisioning') {
    const [running] = await client.list('/v1/workflows', workflowSchema, { tenant: tenant.id }, 1)
    if (running !== undefined) await finish(client, running, signal)
  }
  return client.get(path, tenantSchema)
}

function create(client: ControlClient, tenant: PlatformTenant): Promise<WireWorkflow> {
  const { id, displayName, tier, region, plan, hosts } = tenant
  return client.change(
    {
      method: 'POST',
      path: '/v1/tenants',
      body: { id, display_name: displayName, tier, region, plan, hosts },
    },
    workflowSchema,
  )
}

async function finish(
  client: ControlClient,
  { id }: WireWorkflow,
  signal: AbortSignal,
): Promise<void> {
  const events = client.follow(id, 0, signal)
  let next = await events.next()
  while (next.done !== true) {
    // Somebody has to approve it first; that may take days.
    if (next.value.state === 'waiting') return
    next = await events.next()
  }
  const { state, step, error, tenant } = next.value
  if (state !== 'succeeded') {
    const what = step ?? 'onboarding'
    throw new RingfenceError('conflict', `${tenant}: ${what} ${state}: ${error ?? ''}`)
  }
}

function orUndefined(error: unknown): undefined {
  if (error instanceof RingfenceError && error.code === 'not_found') return undefined
  throw error
}
