import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { ServiceName, Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { TENANT_ADMIN_ROLE } from '../../core/tenant-admin.ts'
import type { RevocationList } from '../../revocation/revocation.ts'
import type { ConfigurationSource, PlatformConfig } from '../../snapshot/snapshot.ts'
import { CONTEXT_HEADER, type VerifiedContext, verifyContext } from '../../tokens/tenant-context.ts'
import { KeySet } from '../../tokens/verify-token.ts'

/** Who of a tenant reads its log, besides its administrators. */
export const AUDITOR_ROLE = 'auditor'
const READERS = [TENANT_ADMIN_ROLE, AUDITOR_ROLE]

/** For whom a tenant's own records are read. Everything that is read is this tenant's. */
export interface TenantCaller {
  readonly tenant: TenantId
  readonly subject: Subject
  readonly roles: readonly string[]
  readonly requestId: string
  readonly expiresAt: Date
  /**
   * Asks again, for what goes on for long: the tenant, the token and the session may have ended since.
   * @throws RingfenceError as `callerOf` does
   */
  readonly stillMay: () => void
}

export interface CallerOptions {
  readonly source: Pick<ConfigurationSource, 'current'>
  readonly revocations: RevocationList
  /** What we are called where contexts name their service. */
  readonly service: ServiceName
}

const NO_JOBS = new KeySet([])
const sets = new WeakMap<PlatformConfig, KeySet>()

/**
 * Whose request it is, by the tenant context that the gateway signed for us and by nothing else. A
 * principal of another tenant and a job are nobody here: a log says of its tenant what no grant gives away.
 * @throws RingfenceError `not_authenticated`, `forbidden`, `snapshot_stale`, `revocations_unknown`
 */
export async function callerOf(headers: Headers, options: CallerOptions): Promise<TenantCaller> {
  const { source, service } = options
  const token = headers.get(CONTEXT_HEADER) ?? ''
  const { platform } = source.current()
  let context: VerifiedContext
  try {
    context = await verifyContext(token, { request: keysOf(platform), job: NO_JOBS }, service)
  } catch (error) {
    throw new RingfenceError('not_authenticated', 'this is reached through the gateway', {
      detail: messageOf(error),
    })
  }
  const { tenant, subject, roles, requestId, expiresAt } = context
  const stillMay = () => requireReader(context, options)
  stillMay()
  return { tenant, subject, roles, requestId, expiresAt, stillMay }
}

function requireReader(context: VerifiedContext, { source, revocations }: CallerOptions): void {
  const { tenant, subject, session, roles, origin, delegation } = context
  const configured = source.current().tenant(tenant)
  if (configured === undefined || configured.status === 'suspended' || origin === undefined) {
    throw new RingfenceError('not_authenticated', 'this is reached through the gateway')
  }
  const { id, client, issuedAt } = origin
  if (revocations.revokes({ tenant, subject, session, id, client, issuedAt })) {
    throw new RingfenceError('not_authenticated', 'the token was revoked')
  }
  if (delegation !== undefined || !READERS.some((role) => roles.includes(role))) {
    throw new RingfenceError('forbidden', `this needs the role ${READERS.join(' or ')}`)
  }
}

function keysOf(platform: PlatformConfig): KeySet {
  const known = sets.get(platform)
  if (known !== undefined) return known
  const made = new KeySet(platform.contextKeys)
  sets.set(platform, made)
  return made
}
