import pg from 'pg'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { Lease } from '../../core/lease.ts'
import { LeaseClient } from './lease-client.ts'
import { ScramKeys } from './scram-keys.ts'
import { refuseOtherLogin, refuseSharedSessions } from './pooler-check.ts'
import type { ServerAddress, SpareSockets } from './spare-sockets.ts'

/** What the pool needs of a lease. */
export type PooledLease = Pick<Lease, 'lease_id' | 'expires_at' | 'credential'>

/** What a session may be given at its start. */
export type SessionConfig = Pick<
  pg.ClientConfig,
  | 'application_name'
  | 'ssl'
  | 'statement_timeout'
  | 'lock_timeout'
  | 'idle_in_transaction_session_timeout'
>

/** A session is not lent any more when its lease has less than this left. Milliseconds. */
export const RETIRE_BEFORE_END_MS = 5_000
/** … and of a lease with little left from the start, this part. */
export const RETIRE_BEFORE_END = 1 / 10
const CONNECT_MS_MAX = 10_000
const HANG_UP_MS_MAX = 2_000

/** The server refuses the login: its lease was revoked, has ended, or is not for this database. */
const REFUSED = new Set(['28000', '28P01', '42501'])

/** A lease, as the pool logs in with it. */
export class LeaseLogin {
  readonly leaseId: string
  /** When its sessions are retired. Milliseconds since 1970. */
  readonly retireAt: number
  readonly #config: pg.ClientConfig & { readonly host: string; readonly port: number }
  readonly #keys: ScramKeys
  /** Set when a pooler may stand in front of the server: what it must be is looked at first. */
  readonly #pooler: { checked: boolean } | undefined

  /**
   * `route` says where to connect instead of to the lease's server.
   * @throws RingfenceError `invalid_argument` when the credential is not PostgreSQL's
   */
  constructor(
    lease: PooledLease,
    session: SessionConfig,
    route?: (server: ServerAddress) => ServerAddress,
  ) {
    const { host, port, database, user, password } = lease.credential
    if (
      typeof host !== 'string' ||
      typeof port !== 'number' ||
      typeof database !== 'string' ||
      typeof user !== 'string' ||
      typeof password !== 'string'
    ) {
      throw new RingfenceError('invalid_argument', 'the lease is not for a PostgreSQL server')
    }
    const server = { host, port }
    const address = route?.(server) ?? server
    const direct = address.host === host && address.port === port
    this.#pooler = direct ? undefined : { checked: false }
    const end = lease.expires_at.getTime()
    const margin = Math.min(RETIRE_BEFORE_END_MS, (end - Date.now()) * RETIRE_BEFORE_END)
    this.leaseId = lease.lease_id
    this.retireAt = end - margin
    this.#keys = new ScramKeys(password)
    this.#config = {
      ...session,
      ...{ host: address.host, port: address.port, database, user, password },
      connectionTimeoutMillis: CONNECT_MS_MAX,
    }
  }

  /**
   * Opens a session. When it throws, the server holds nothing of the attempt any more.
   * @throws RingfenceError `lease_denied` when the server refuses the login, `engine_unavailable`,
   *   `engine_unsupported` for a pooler that does not keep sessions apart
   */
  async open(spares: SpareSockets): Promise<LeaseClient> {
    const client = await this.#connect(spares)
    if (this.#pooler !== undefined) await this.#checkPooler(client, this.#pooler)
    return client
  }

  async #checkPooler(client: LeaseClient, pooler: { checked: boolean }): Promise<void> {
    let second: LeaseClient | undefined
    try {
      await refuseOtherLogin(client, String(this.#config.user))
      if (pooler.checked) return
      second = await connect(new LeaseClient(this.#config, this.#keys))
      await refuseSharedSessions(client, second)
      pooler.checked = true
    } catch (error) {
      await client.hangUp(HANG_UP_MS_MAX)
      if (error instanceof RingfenceError) throw error
      refuse(error)
    } finally {
      await second?.hangUp(HANG_UP_MS_MAX)
    }
  }

  async #connect(spares: SpareSockets): Promise<LeaseClient> {
    const spare = spares.take(this.#config)
    try {
      return await connect(new LeaseClient(this.#config, this.#keys, spare))
    } catch (error) {
      // A spare may have been closed by the server just now.
      if (spare !== undefined && !(error instanceof pg.DatabaseError)) {
        return await connect(new LeaseClient(this.#config, this.#keys)).catch(refuse)
      }
      return refuse(error)
    }
  }
}

async function connect(client: LeaseClient): Promise<LeaseClient> {
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.hangUp(HANG_UP_MS_MAX)
    throw error
  }
}

function refuse(error: unknown): never {
  const options = { detail: messageOf(error), cause: error }
  if (error instanceof pg.DatabaseError && REFUSED.has(error.code ?? '')) {
    throw new RingfenceError('lease_denied', "the tenant's lease has ended or was revoked", options)
  }
  throw new RingfenceError('engine_unavailable', 'the database server cannot be reached', options)
}
