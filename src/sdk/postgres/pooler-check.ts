import { RingfenceError } from '../../core/errors.ts'
import type { LeaseClient } from './lease-client.ts'

/**
 * Refuses a session whose login is not the lease's. A pooler that logs in as a user of its own (a
 * `user=` in its configuration) would make all tenants one.
 * @throws RingfenceError `engine_unsupported`
 */
export async function refuseOtherLogin(client: LeaseClient, user: string): Promise<void> {
  if ((await sessionOf(client)).login === user) return
  throw new RingfenceError(
    'engine_unsupported',
    'the pooler logs in as a user of its own, and not with the lease: every tenant would be that user',
  )
}

/**
 * Refuses a pooler in transaction mode, in which sessions that are open at the same time share the
 * server's: settings, prepared statements and locks of one request would be another's. `first` and
 * `second` are open at once, with the same login.
 * @throws RingfenceError `engine_unsupported`
 */
export async function refuseSharedSessions(first: LeaseClient, second: LeaseClient): Promise<void> {
  const { process } = await sessionOf(first)
  // In session mode the first one's process is its own for as long as it is connected.
  await second.query('begin')
  const shared = (await sessionOf(second)).process === process
  await second.query('rollback')
  if (!shared) return
  throw new RingfenceError(
    'engine_unsupported',
    'the pooler in front of the database is in transaction mode: set pool_mode = session',
  )
}

async function sessionOf(client: LeaseClient): Promise<{ login: string; process: number }> {
  const { rows } = await client.query<{ login: string; process: number }>(
    'select session_user::text as login, pg_catalog.pg_backend_pid() as process',
  )
  return rows[0] ?? { login: '', process: 0 }
}
