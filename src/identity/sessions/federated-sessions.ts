import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { SOURCE_IS_ALLOWED } from '../federation/connection/source-allowlist.ts'
import type { Rows } from '../identity-database.ts'
import { type SessionEnding, theseSessions } from './session-ending.ts'
import { lockRealmSessions } from './session-locks.ts'
import type { SignedIn } from './signed-in.ts'

/** As long as a session or a refresh token can live from a sign-in, and a day. */
const DAYS = 91

/** What somebody has signed in by: connections of a realm, and perhaps one user of them alone. */
export interface SignedInBy {
  readonly connections: readonly string[]
  readonly subject?: Subject | undefined
}

/**
 * Ends what came of sign-ins by connections, in the transaction of what ends these: sessions, their
 * grants and refresh tokens, also those that live on without their session, and sign-ins under way.
 */
export type EndSignedInBy = (rows: Rows, tenant: TenantId, by: SignedInBy) => Promise<void>

/**
 * Until the caller's transaction ends nobody ends the connection. False when it has ended: what a
 * sign-in by it would begin must not be. To be called before anything of the session is locked.
 */
export async function keepConnection(
  rows: Rows,
  tenant: TenantId,
  connection: string,
): Promise<boolean> {
  await rows.query(
    'select from identity.federation_connection where tenant = $1 and id = $2 for share',
    [tenant, connection],
  )
  // A query of its own: it sees what was done while the first one waited.
  const usable = await rows.query(
    `select from identity.federation_connection c
     where tenant = $1 and id = $2 and enabled and ${SOURCE_IS_ALLOWED}`,
    [tenant, connection],
  )
  return usable.length > 0
}

/** Notes by what its user has signed in. */
export async function noteConnection(
  rows: Rows,
  { tenant, id, subject }: SignedIn,
  connection: string,
): Promise<void> {
  await rows.query(
    `insert into identity.federation_session (tenant, connection, session, subject)
     values ($1, $2, $3, $4)
     on conflict (tenant, connection, session) do update set signed_in_at = now()`,
    [tenant, connection, id, subject],
  )
}

export async function endSignedInBy(
  rows: Rows,
  tenant: TenantId,
  { connections, subject }: SignedInBy,
  ending: SessionEnding,
): Promise<void> {
  const values = [tenant, connections, subject ?? null]
  await rows.query(
    'select from identity.federation_connection where tenant = $1 and id = any ($2) for update',
    [tenant, connections],
  )
  await lockRealmSessions(rows, tenant)
  await rows.query(
    `delete from identity.sign_in_attempt
     where tenant = $1 and connection = any ($2) and ($3::text is null or subject = $3)`,
    values,
  )
  const found = await rows.query<{ session: string }>(
    `delete from identity.federation_session
     where tenant = $1 and connection = any ($2) and ($3::text is null or subject = $3)
     returning session`,
    values,
  )
  const sessions = found.map(({ session }) => session)
  await ending.end(rows, tenant, theseSessions(sessions))
  await ending.endWhatOutlives(rows, tenant, sessions)
}

export async function forgetSignedInBy(rows: Rows): Promise<void> {
  await rows.query(
    `delete from identity.federation_session where signed_in_at < now() - interval '${DAYS} days'`,
  )
}
