import { createHash } from 'node:crypto'
import { DatabaseError, Pool } from 'pg'
import {
  exchangeToken,
  type Lease,
  type VendingAddress,
  VendingUnavailable,
} from './token-exchange.ts'

/** Most leases whose pools are open at once; each has at most `CONNECTIONS_MAX` connections. */
const POOLS_MAX = 20
const CONNECTIONS_MAX = 4
/** Most tokens that are remembered with the lease they were exchanged for. */
const TOKENS_MAX = 1000
/** A token or lease this close to its end is not used for another request, in milliseconds. */
const END_MARGIN_MS = 1000
const RENEWAL_RETRY_MS = 1000
const STATEMENT_MS_MAX = 10_000

/** With severity FATAL, a refused login: the lease was revoked, or has ended. */
const LOGIN_REFUSED = new Set(['28000', '28P01', '42501'])

interface LeasedPool {
  readonly leaseId: string
  readonly pool: Pool
  readonly endsAt: number
  users: number
  retired: boolean
}

interface Exchanged {
  readonly leased: LeasedPool
  readonly endsAt: number
  renewAt: number
}

/**
 * The database as the caller of one request may see it. A tenant context token is exchanged at the
 * vending service for a database login, and each login gets a pool. Tokens are kept as hashes only.
 */
export class TenantDatabases {
  readonly #vending: VendingAddress
  // Both maps are in order of use, the longest unused first.
  readonly #tokens = new Map<string, Exchanged>()
  readonly #pools = new Map<string, LeasedPool>()
  readonly #exchanging = new Map<string, Promise<Exchanged>>()
  readonly #draining = new Set<Promise<void>>()

  constructor(vending: VendingAddress) {
    this.#vending = vending
  }

  /**
   * Runs `work` with the pool for a token. The pool stays open until `work` has settled.
   * @throws TokenRefused, VendingUnavailable
   */
  async use<T>(token: string, work: (pool: Pool) => Promise<T>): Promise<T> {
    const leased = await this.#lease(token)
    try {
      return await work(leased.pool)
    } finally {
      leased.users -= 1
      if (leased.retired) this.#drain(leased)
    }
  }

  /** Says how a query of `token` failed: after a refused login the next request asks for a new one. */
  noteFailure(token: string, error: unknown): void {
    if (!(error instanceof DatabaseError) || error.severity !== 'FATAL') return
    if (!LOGIN_REFUSED.has(error.code ?? '')) return
    const exchanged = this.#tokens.get(hashOf(token))
    if (exchanged !== undefined) this.#retire(exchanged.leased)
  }

  /** Ends every pool when its last request has finished. */
  async close(): Promise<void> {
    for (const leased of this.#pools.values()) this.#retire(leased)
    await Promise.all(this.#draining)
  }

  async #lease(token: string): Promise<LeasedPool> {
    const key = hashOf(token)
    const now = Date.now()
    let exchanged = this.#tokens.get(key)
    if (exchanged === undefined || exchanged.leased.retired || now >= exchanged.endsAt) {
      exchanged = await this.#exchange(key, token)
      // Others may have crowded the new pool out before this request woke up.
      if (exchanged.leased.retired) throw new VendingUnavailable('too many tenants at once')
    } else if (now >= exchanged.renewAt) {
      exchanged.renewAt = now + RENEWAL_RETRY_MS
      // Failing is no harm yet: the old lease lasts, and a later request tries again.
      void this.#exchange(key, token).catch(() => undefined)
    }
    const { leased } = exchanged
    if (this.#tokens.get(key) === exchanged) moveToEnd(this.#tokens, key, exchanged)
    if (!leased.retired) moveToEnd(this.#pools, leased.leaseId, leased)
    leased.users += 1
    return leased
  }

  /** One exchange at a time for a token, however many requests wait for it. */
  #exchange(key: string, token: string): Promise<Exchanged> {
    let exchanging = this.#exchanging.get(key)
    if (exchanging === undefined) {
      exchanging = exchangeToken(this.#vending, token)
        .then((lease) => this.#remember(key, token, lease))
        .finally(() => this.#exchanging.delete(key))
      this.#exchanging.set(key, exchanging)
    }
    return exchanging
  }

  #remember(key: string, token: string, lease: Lease): Exchanged {
    const now = Date.now()
    const duration = lease.lease_duration * 1000
    const leased = this.#pools.get(lease.lease_id) ?? openPool(lease, now + duration)
    this.#pools.set(leased.leaseId, leased)
    const previous = this.#tokens.get(key)?.leased
    if (previous !== undefined && previous !== leased) this.#retire(previous)
    const exchanged = {
      leased,
      endsAt: Math.min(now + duration, endOf(token)) - END_MARGIN_MS,
      renewAt: now + (duration * 2) / 3,
    }
    moveToEnd(this.#tokens, key, exchanged)
    for (const other of this.#pools.values()) {
      const crowded = this.#pools.size > POOLS_MAX && other !== leased
      if (crowded || other.endsAt <= now) this.#retire(other)
    }
    for (const old of this.#tokens.keys()) {
      if (this.#tokens.size <= TOKENS_MAX) break
      this.#tokens.delete(old)
    }
    return exchanged
  }

  #retire(leased: LeasedPool): void {
    if (leased.retired) return
    leased.retired = true
    this.#pools.delete(leased.leaseId)
    this.#drain(leased)
  }

  #drain(leased: LeasedPool): void {
    if (leased.users > 0 || leased.pool.ending) return
    const ended = leased.pool.end().finally(() => this.#draining.delete(ended))
    this.#draining.add(ended)
  }
}

function openPool(lease: Lease, endsAt: number): LeasedPool {
  const pool = new Pool({
    ...lease.data,
    max: CONNECTIONS_MAX,
    idleTimeoutMillis: 10_000,
    connectionTimeoutMillis: 5_000,
    statement_timeout: STATEMENT_MS_MAX,
    query_timeout: STATEMENT_MS_MAX + 2_000,
    idle_in_transaction_session_timeout: STATEMENT_MS_MAX,
    application_name: 'clinic',
  })
  // An idle connection that the server ends is out of the pool already when this is called.
  pool.on('error', () => undefined)
  return { leaseId: lease.lease_id, pool, endsAt, users: 0, retired: false }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}

/**
 * When a JWT says that it ends, in milliseconds since 1970. It is not verified, and only ever makes
 * the token's life here shorter; a token that cannot be read lasts as long as its lease.
 */
function endOf(token: string): number {
  try {
    const payload: unknown = JSON.parse(
      Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(),
    )
    const end = typeof payload === 'object' && payload && 'exp' in payload ? payload.exp : undefined
    return typeof end === 'number' ? end * 1000 : Infinity
  } catch {
    return Infinity
  }
}

function moveToEnd<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
}
