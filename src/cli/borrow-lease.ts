import { join } from 'node:path'
import { z } from 'zod'
import { jobContextsSchema } from '../control/api/schemas.ts'
import { RingfenceError } from '../core/errors.ts'
import type { LeaseId, Scope } from '../core/lease.ts'
import type { TenantId } from '../core/tenant.ts'
import { socketPathIn } from '../platform/socket-path.ts'
import { OPERATOR_CLIENT, OPERATOR_SERVICE, VENDING_AUDIENCE } from '../platform/write-planes.ts'
import { WorkloadIdentity } from '../sdk/identity.ts'
import { newTrace } from '../http/trace-context.ts'
import { VendingClient } from '../sdk/vending-client.ts'
import type { Console } from './console.ts'
import { type AccessFlags, controlAccess } from './control-access.ts'
import { ControlClient } from './control-client.ts'

const DEADLINE_MS = 30_000

export interface BorrowFlags extends AccessFlags {
  /** Where vending is; by default the socket of the platform that runs here. */
  readonly vending?: string
  /** File of the operators' workload key; by default that of the platform that runs here. */
  readonly workloadKey?: string
}

export interface BorrowRequest {
  readonly tenant: TenantId
  readonly scope: Scope
  readonly seconds: number
  /** For the record: who asks is the token's operator. */
  readonly reason: string
  /** Which command, for the record: `exec`. */
  readonly job: string
}

const loginSchema = z.object({
  host: z.string(),
  port: z.number(),
  database: z.string(),
  user: z.string(),
  password: z.string(),
})

/** A login in libpq's words. Secret. */
export type Login = z.output<typeof loginSchema>

export interface BorrowedLease {
  readonly lease_id: LeaseId
  readonly expires_at: Date
  readonly credential: Login
}

/**
 * A person's way to a tenant's data, the same as a job's: the control plane issues a context for the
 * tenant, scope and time, and writes down who asked and why; vending exchanges it for a lease.
 * @throws RingfenceError as the control plane and vending refuse
 */
export async function borrowLease(
  request: BorrowRequest,
  flags: BorrowFlags,
  console: Console,
): Promise<BorrowedLease> {
  const { tenant, scope, seconds, reason, job } = request
  const control = new ControlClient(controlAccess(flags, console))
  const { items } = await control.change(
    {
      method: 'POST',
      path: '/v1/job-contexts',
      body: { job, service: OPERATOR_SERVICE, scopes: [scope], seconds, reason, tenants: [tenant] },
    },
    jobContextsSchema,
  )
  const [context] = items
  if (context === undefined) {
    throw new RingfenceError('tenant_unknown', 'no such active tenant')
  }
  const vending = new VendingClient({
    address: flags.vending ?? `unix:${await socketPathIn(flags.state, 'vending.sock')}`,
    audience: VENDING_AUDIENCE,
    identity: new WorkloadIdentity(
      OPERATOR_CLIENT,
      flags.workloadKey ?? join(flags.state, 'secrets', `workload-${OPERATOR_CLIENT}.jwk`),
    ),
    deadlineMs: DEADLINE_MS,
  })
  const signal = AbortSignal.timeout(DEADLINE_MS)
  const lease = await vending.exchange({ token: context.token, scope, trace: newTrace(), signal })
  const { lease_id, expires_at } = lease
  return { lease_id, expires_at, credential: loginSchema.parse(lease.credential) }
}
