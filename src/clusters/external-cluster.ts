import { Client } from 'pg'
import { RingfenceError, messageOf } from '../core/errors.ts'
import type { Cluster, ConnectionSettings } from './cluster.ts'
import { parseConnectionUrl } from './connection-url.ts'
import { SUPPORTED_MAJORS, majorOf } from './server-binaries.ts'

const CONNECT_WITHIN_MS = 10_000

/**
 * Takes a server that someone else runs, by its superuser's URL (`parseConnectionUrl`).
 * @throws RingfenceError `invalid_url`; `engine_unavailable` when there is no way in;
 *   `engine_unsupported` for another version than 14 to 18 or a user who is no superuser
 */
export async function openExternal(name: string, url: string): Promise<Cluster> {
  const admin = parseConnectionUrl(url)
  const { version, superuser } = await ask(name, admin)
  const { oldest, newest } = SUPPORTED_MAJORS
  if (majorOf(version) < oldest || majorOf(version) > newest) {
    throw new RingfenceError(
      'engine_unsupported',
      `cluster ${name} is PostgreSQL ${majorOf(version)}; Ringfence works with ${oldest} to ${newest}`,
    )
  }
  if (!superuser) {
    throw new RingfenceError(
      'engine_unsupported',
      `the user of cluster ${name}'s URL must be a superuser: the guard rails belong to one`,
    )
  }
  return {
    name,
    admin,
    serverVersion: version,
    directory: undefined,
    embedded: false,
    stop: () => Promise.resolve(),
  }
}

interface Answer {
  readonly version: number
  readonly superuser: boolean
}

async function ask(name: string, admin: ConnectionSettings): Promise<Answer> {
  const client = new Client({
    ...admin,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    query_timeout: CONNECT_WITHIN_MS,
    application_name: 'ringfence',
  })
  // A connection that breaks later is reported here as well; the query's own error is enough.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<Answer>(
      `SELECT current_setting('server_version_num')::int AS version, rolsuper AS superuser
       FROM pg_catalog.pg_roles WHERE rolname = session_user`,
    )
    const [answer] = rows
    if (answer === undefined) throw new Error('no such role')
    return answer
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    throw new RingfenceError(
      'engine_unavailable',
      `the server of cluster ${name} at ${admin.host} port ${admin.port} lets no one in${code}: check that it runs, and the URL's user, password and sslmode`,
      { detail: messageOf(error) },
    )
  } finally {
    await client.end().catch(() => undefined)
  }
}
