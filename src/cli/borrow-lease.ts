import { join } from 'node:path'
import { z } from 'zod'
import { supportKeySchema, supportSchema, type WireSupport } from '../control/api/schemas.ts'
import { RingfenceError } from '../core/errors.ts'
import type { LeaseId, Scope } from '../core/lease.ts'
import { SUPPORT_SECONDS_MAX } from '../core/support-terms.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { socketPathIn } from '../platform/socket-path.ts'
import { OPERATOR_CLIENT, VENDING_AUDIENCE } from '../platform/write-planes.ts'
import { WorkloadIdentity } from '../sdk/identity.ts'
import { newTrace } from '../http/trace-context.ts'
import { VendingClient } from '../sdk/vending-client.ts'
import type { Console } from './console.ts'
import { type AccessFlags, controlAccess } from './control-access.ts'
import { ControlClient } from './control-client.ts'
import { pathOf } from './control-command.ts'
import { untilActive } from './support-access.ts'

const DEADLINE_MS = 30_000
/** A context of the control plane lives no longer. */
const CONTEXT_SECONDS_MAX = 3_600

export interface BorrowFlags extends AccessFlags {
  /** Where vending is; by default the socket of the platform that runs here. */
  readonly vending?: string
  /** File of the operators' workload key; by default that of the platform that runs here. */
  readonly workloadKey?: string
}

/** With an access that somebody was given, or with one that is asked for first. */
export type BorrowRequest =
  | {
      readonly support: string
      readonly seconds: number
      /** Whose data it must be; undefined when the access says it. */
      readonly tenant: TenantId | undefined
    }
  | {
      readonly support?: undefined
      readonly tenant: TenantId
      readonly scope: Scope
      readonly seconds: number
      readonly reason: string
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
  readonly tenant: TenantId
  readonly scope: Scope
  readonly expires_at: Date
  readonly credential: Login
  /** Gives the access back, if it was asked for here: all of it ends. */
  giveBack(): Promise<void>
}

/**
 * A person's way to a tenant's data: by support access, to which whoever must has agreed and which the
 * tenant sees. The control plane gives a context for it, and vending exchanges that for a lease.
 * @throws RingfenceError as the control plane and vending refuse; `forbidden` when somebody has not agreed
 */
export async function borrowLease(
  request: BorrowRequest,
  flags: BorrowFlags,
  console: Console,
): Promise<BorrowedLease> {
  const control = new ControlClient(controlAccess(flags, console))
  const access = await accessFor(request, control, console)
  const path = pathOf('support', access.id)
  const body = { seconds: Math.min(request.seconds, CONTEXT_SECONDS_MAX) }
  const context = await control.change(
    { method: 'POST', path: `${path}/context`, body },
    supportKeySchema,
  )
  const tenant = parseTenantId(context.tenant)
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
  const { scope } = access
  const lease = await vending.exchange({ token: context.token, scope, trace: newTrace(), signal })
  const { lease_id, expires_at } = lease
  return {
    ...{ lease_id, tenant, scope, expires_at },
    credential: loginSchema.parse(lease.credential),
    giveBack: async () => {
      if (request.support !== undefined) return
      const change = { method: 'POST', path: `${path}/end`, body: { why: 'done' } } as const
      await control.change(change, supportSchema)
    },
  }
}

async function accessFor(
  request: BorrowRequest,
  control: ControlClient,
  console: Console,
): Promise<WireSupport> {
  if (request.support !== undefined) {
    const access = await control.get(pathOf('support', request.support), supportSchema)
    if (request.tenant === undefined || request.tenant === access.tenant) return access
    throw new RingfenceError('invalid_argument', 'the access is to another tenant’s data')
  }
  const { tenant, scope, reason, seconds } = request
  const body = { tenant, scope, reason, seconds: Math.min(seconds, SUPPORT_SECONDS_MAX) }
  const asked = await control.change({ method: 'POST', path: '/v1/support', body }, supportSchema)
  const access = await untilActive(control, asked, console)
  if (access.state === 'active') return access
  throw new RingfenceError('forbidden', `the access was not agreed to: ${access.state}`)
}
