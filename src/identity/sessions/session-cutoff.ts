import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Rows } from '../identity-database.ts'
import { lockRealmSessions, lockUserSessions } from './session-locks.ts'

/** In the place of a subject: everybody's. */
const EVERYBODY = ''

/**
 * Lets no session of the user, or of anybody, begin from a sign-in until now: also not from one that
 * was done and whose page has not come back yet. Until the caller's transaction ends none begins.
 */
export async function cutOff(rows: Rows, tenant: TenantId, subject?: Subject): Promise<void> {
  await (subject === undefined
    ? lockRealmSessions(rows, tenant)
    : lockUserSessions(rows, tenant, subject))
  // A realm that is being removed has no more use for one.
  await rows.query(
    `insert into identity.session_cutoff (tenant, subject)
     select tenant, $2 from identity.realm where tenant = $1
     on conflict (tenant, subject) do update set at = excluded.at`,
    [tenant, subject ?? EVERYBODY],
  )
}

/**
 * Whether a session may begin from the sign-in. Until the caller's transaction ends no other session
 * of the user begins, and nobody cuts off.
 * @param signedInAt seconds since 1970. As with revocations, the second of the cut-off is still void.
 */
export async function mayBegin(
  rows: Rows,
  tenant: TenantId,
  subject: Subject,
  signedInAt: number,
): Promise<boolean> {
  await lockUserSessions(rows, tenant, subject)
  const after = await rows.query(
    `select from identity.session_cutoff
     where tenant = $1 and subject in ($2, $3) and floor(extract(epoch from at)) >= $4`,
    [tenant, subject, EVERYBODY, signedInAt],
  )
  return after.length === 0
}
