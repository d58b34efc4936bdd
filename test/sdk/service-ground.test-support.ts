import type { Scope } from '../../src/core/lease.ts'
import type { TenantId } from '../../src/core/tenant.ts'
import {
  leaseAnswer,
  startTestPlatform,
  type TestExchange,
  type TestPlatform,
} from '../../src/sdk/platform.test-support.ts'
import { Ringfence } from '../../src/sdk/ringfence.ts'
import type { VerifiedContext } from '../../src/sdk/verified-context.ts'
import { type GroundLease, openPoolGround, type PoolGround } from './pool-ground.test-support.ts'

/** A service with its platform and a server behind the boundary, with two tenants in it. */
export interface ServiceGround {
  readonly ground: PoolGround
  readonly platform: TestPlatform
  readonly ringfence: Ringfence
  readonly harbor: TenantId
  readonly northmere: TenantId
  /** Every lease that was handed out, oldest first. */
  readonly handedOut: { readonly exchange: TestExchange; readonly lease: GroundLease }[]
  /** Seconds that the next leases live. */
  leaseSeconds: number
  /** Instead of opening leases, when set. */
  answer: ((exchange: TestExchange) => Promise<GroundLease>) | undefined
  context(tenant: TenantId, scopes?: readonly Scope[]): Promise<VerifiedContext>
  close(): Promise<void>
}

export async function openServiceGround(): Promise<ServiceGround> {
  const ground = await openPoolGround()
  const harbor = await ground.addTenant('harbor')
  const northmere = await ground.addTenant('northmere')
  const handedOut: ServiceGround['handedOut'] = []
  const platform = await startTestPlatform({
    tenants: () => [harbor, northmere],
    lease: async (exchange) => {
      const { tenant, scope } = exchange
      const lease = await (service.answer?.(exchange) ??
        ground.lease(tenant, service.leaseSeconds, scope))
      handedOut.push({ exchange, lease })
      const seconds = Math.floor((lease.expires_at.getTime() - Date.now()) / 1_000)
      return leaseAnswer(lease.lease_id, Math.max(1, seconds), lease.credential)
    },
  })
  const ringfence = new Ringfence({ ...platform.options, pool: { sessionsMax: 10 } })
  const service: ServiceGround = {
    ...{ ground, platform, ringfence, harbor, northmere, handedOut },
    leaseSeconds: 900,
    answer: undefined,
    context: async (tenant, scopes = ['read', 'write']) =>
      ringfence.verify(await platform.context(tenant, { scopes })),
    async close() {
      await ringfence.close()
      await platform.close()
      await ground.close()
    },
  }
  return service
}
