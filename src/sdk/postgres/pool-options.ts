import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { PooledLease, SessionConfig } from './lease-login.ts'
import type { ServerAddress } from './spare-sockets.ts'

export interface TenantPoolOptions<K extends string = TenantId> {
  /** The lease of a tenant (in one scope) now. It is asked at every request: it must cache, and rotate. */
  readonly lease: (key: K) => Promise<PooledLease>
  /** Sessions that the pool may hold at the server, over all tenants, in every state. */
  readonly sessionsMax: number
  /** Sessions of one tenant; less than the login's connection limit. Default 8. */
  readonly sessionsPerTenantMax?: number
  /** Free places that are kept for tenants without a session. Default 1/24 of `sessionsMax`. */
  readonly reserve?: number
  /** Connected sockets that are kept for the next logins. Default 3. */
  readonly spareSockets?: number
  /** Requests that may wait. Default 1000. */
  readonly waitersMax?: number
  /** Milliseconds that a request waits for a session. Default 5000. */
  readonly waitMsMax?: number
  /** Milliseconds after which an unused session is closed. Default 300 000. */
  readonly idleMsMax?: number
  readonly session?: SessionConfig
  /** Where to connect instead of to a lease's server: to a pooler in session mode in front of it. */
  readonly route?: (server: ServerAddress) => ServerAddress
}

export interface TenantPoolStats {
  /** Requests that found a session open. */
  readonly hits: number
  readonly misses: number
  readonly opened: number
  /** Sessions closed to make room for other tenants. */
  readonly evicted: number
  /** Sessions now, in every state. */
  readonly sessions: number
  readonly sessionsPeak: number
  readonly waiting: number
}

/** @throws RingfenceError `invalid_argument` */
export function checkedOptions<K extends string>(
  options: TenantPoolOptions<K>,
): Required<TenantPoolOptions<K>> {
  const checked = {
    sessionsPerTenantMax: 8,
    reserve: Math.floor(options.sessionsMax / 24),
    spareSockets: 3,
    waitersMax: 1_000,
    waitMsMax: 5_000,
    idleMsMax: 300_000,
    session: {},
    route: (server: ServerAddress) => server,
    ...options,
  }
  const { sessionsMax, sessionsPerTenantMax, reserve, spareSockets } = checked
  if (!(Number.isInteger(sessionsMax) && sessionsMax > 0 && sessionsPerTenantMax > 0)) {
    throw new RingfenceError('invalid_argument', 'a pool has at least one session')
  }
  if (!(reserve >= 0 && reserve < sessionsMax && spareSockets >= 0)) {
    throw new RingfenceError('invalid_argument', 'the reserve is a part of sessionsMax')
  }
  return checked
}
