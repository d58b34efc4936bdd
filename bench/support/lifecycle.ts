import { type WireWorkflow, workflowSchema } from '../../src/control/api/schemas.ts'
import type { Principal } from '../../src/identity/realm-store.ts'
import { parseSubject } from '../../src/core/names.ts'
import { parseTenantId, type TenantId, type Tier } from '../../src/core/tenant.ts'
import { REGION } from './arena.ts'
import { type BenchPlatform, PLAN } from './platform.ts'

/** A workflow that succeeded, and the milliseconds from the call of the API to its last event. */
export interface Lived {
  readonly milliseconds: number
  readonly workflow: WireWorkflow
}

/** Posts to the control API and follows what that begins to its end. @throws Error when it fails */
export async function live(
  { api }: BenchPlatform,
  path: string,
  body: Readonly<Record<string, unknown>> = {},
): Promise<Lived> {
  const began = performance.now()
  const begun = await api.change({ method: 'POST', path, body }, workflowSchema)
  const events = api.follow(begun.id)
  for (;;) {
    const { done, value } = await events.next()
    if (done !== true) continue
    if (value.state === 'succeeded') {
      return { milliseconds: performance.now() - began, workflow: value }
    }
    throw new Error(`${value.kind} of ${value.tenant}: ${value.state}: ${value.error}`)
  }
}

/** From the call to a tenant that is `active`, its places attacked and its realm open. */
export function onboard(platform: BenchPlatform, id: string, tier: Tier = 'pooled') {
  const names = { id, display_name: id, region: REGION, plan: PLAN }
  return live(platform, '/v1/tenants', { ...names, tier })
}

/** Milliseconds from the start of a step to its end, or to the end of a later one, by the registry. */
export function stepMs({ steps }: WireWorkflow, first: string, last = first): number {
  const from = steps.find(({ name }) => name === first)?.started_at
  const to = steps.find(({ name }) => name === last)?.ended_at
  if (from == null || to == null) throw new RangeError(`there were no steps ${first} and ${last}`)
  return Date.parse(to) - Date.parse(from)
}

const USER = parseSubject('ann')
const MAY: Principal = { roles: [], scopes: ['read', 'write'] }

/** An access token of the tenant's realm, good for a quarter of an hour. */
export async function tokenOf({ realms }: BenchPlatform, tenant: TenantId | string) {
  const id = parseTenantId(tenant)
  await realms.putUser(id, USER, MAY)
  return (await realms.issueFor(id, USER, { seconds: 900 })).access_token
}
