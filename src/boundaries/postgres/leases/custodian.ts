import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { backendMemoryKiB } from '../../../clusters/backend-memory.ts'
import { messageOf, RingfenceError } from '../../../core/errors.ts'
import type { LeaseId } from '../../../core/lease.ts'
import type { TenantId, Tier } from '../../../core/tenant.ts'
import type { LeaseRecord, Revocation, Sweep } from '../../boundary.ts'
import { clientConfig, type Settings, sqlState } from '../connection.ts'
import { LEASES_HELD, SLOTS_TAKEN } from '../install/custody.ts'
import { type LoginScope, loginScopeOf, type Names, tenantKey, type TenantKey } from '../names.ts'
import type { Budget } from './budget.ts'
import { newPassword, scramVerifier } from '../../../clusters/scram.ts'
import { overBudget, type SessionActivity } from './watchdog.ts'

/** Longest wait for ended sessions to be gone, and for the custody database, in milliseconds. */
const DRAIN_TIMEOUT_MS = 15_000
/** How long a connection that is being authenticated may hold up a revocation, in milliseconds. */
const AUTHENTICATION_PATIENCE_MS = 1_000
const STATEMENT_TIMEOUT_MS = 10_000
const CUSTODIAN_CONNECTIONS = 4

export interface TenantPlace {
  readonly tenant: TenantId
  readonly key: TenantKey
  readonly tier: Tier
  readonly database: string
  readonly status: 'provisioning' | 'active' | 'erasing'
}

export interface OpenedLogin {
  readonly leaseId: LeaseId
  readonly user: string
  readonly password: string
  readonly database: string
  readonly issuedAt: Date
  readonly expiresAt: Date
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Manages the tenants' logins of one cluster, through the custody functions and with the
 * custodian's rights only. It sees no row of a tenant's.
 */
export class Custodian {
  readonly #pool: pg.Pool
  readonly #names: Names
  readonly #embedded: boolean
  #closed: Promise<void> | undefined

  /** `settings` are the custodian's own login on the custody database. */
  constructor(settings: Settings, names: Names, embedded: boolean) {
    this.#names = names
    this.#embedded = embedded
    this.#pool = new pg.Pool({
      ...clientConfig(settings, 'ringfence-custodian'),
      max: CUSTODIAN_CONNECTIONS,
      idleTimeoutMillis: 30_000,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      allowExitOnIdle: true,
    })
    // Without a listener a broken idle connection would end the process.
    this.#pool.on('error', () => {})
  }

  /** The tenant's place, or undefined. */
  async find(tenant: TenantId): Promise<TenantPlace | undefined> {
    const rows = await this.#query<{
      tenant_id: string | null
      key: string
      tier: Tier
      database: string
      status: TenantPlace['status']
    }>('find-tenant', 'select t.* from custody.find_tenant($1) t', [tenant])
    const row = rows[0]
    if (row === undefined || row.tenant_id === null) return undefined
    const { tier, database, status } = row
    return { tenant, key: tenantKey(row.key), tier, database, status }
  }

  /**
   * Records a lease and opens its login, in one transaction of the engine.
   * @throws RingfenceError `tenant_unknown` (or not active), `lease_denied` (all slots taken, or
   *   the tenant changes places just now)
   */
  async open(
    tenant: TenantId,
    scope: LoginScope,
    seconds: number,
    holder: string,
    budget: Budget,
  ): Promise<OpenedLogin> {
    const password = newPassword()
    const verifier = await scramVerifier(password)
    const leaseId = randomUUID()
    const rows = await this.#query<{
      role_name: string
      database: string
      issued_at: Date
      expires_at: Date
    }>('open-lease', 'select * from custody.open_lease($1, $2, $3, $4, $5, $6, $7)', [
      leaseId,
      tenant,
      scope,
      seconds,
      holder,
      verifier,
      budget.connectionsPerLogin,
    ])
    const row = rows[0]
    if (row === undefined) throw new RingfenceError('internal', 'the lease was not opened')
    return {
      leaseId: leaseId as LeaseId,
      user: row.role_name,
      password,
      database: row.database,
      issuedAt: row.issued_at,
      expiresAt: row.expires_at,
    }
  }

  /** Closes one lease's login, or all of the tenant's, and waits until their sessions are gone. */
  async end(tenant: TenantId, lease: LeaseId | undefined, why: string): Promise<Revocation> {
    if (lease !== undefined && !UUID.test(lease)) return { leases: [], sessionsEnded: 0 }
    const rows = await this.#query<{ end_leases: string }>(
      'end-leases',
      'select custody.end_leases($1, $2, $3)',
      [tenant, lease ?? null, why],
    )
    const leases = rows.map((row) => row.end_leases as LeaseId)
    return { leases, sessionsEnded: await this.drain(leases) }
  }

  async records(tenant: TenantId): Promise<readonly LeaseRecord[]> {
    const rows = await this.#query<{
      lease_id: string
      scope: LoginScope
      holder: string
      issued_at: Date
      expires_at: Date
      ended_at: Date | null
      ended_why: string | null
    }>('leases', 'select * from custody.leases($1)', [tenant])
    return rows.map((row) => ({
      lease_id: row.lease_id as LeaseId,
      tenant,
      // An export reads; its login is the boundary's own and is never handed out.
      scope: row.scope === 'export' ? 'read' : row.scope,
      holder: row.holder,
      issued_at: row.issued_at,
      expires_at: row.expires_at,
      ended_at: row.ended_at ?? undefined,
      ended_why: row.ended_why ?? undefined,
    }))
  }

  /** Ends expired leases, half-ended ones of killed processes, and what is over budget. */
  async sweep(budget: Budget): Promise<Sweep> {
    const due = await this.#query<{ lease_id: LeaseId; newly: boolean }>(
      'expire',
      'select * from custody.expire()',
      [],
    )
    await this.#query('reset-settings', 'select custody.reset_settings()', [])
    // Side by side, so that a session which is slow to end does not shield one that is over budget.
    const [sessionsEnded, reasons] = await Promise.all([
      this.drain(due.map((row) => row.lease_id)),
      this.#enforce(budget),
    ])
    const leasesExpired = due.filter((row) => row.newly).length
    return { leasesExpired, sessionsEnded, overBudget: reasons }
  }

  async #enforce(budget: Budget): Promise<readonly string[]> {
    const reasons: string[] = []
    for (const ending of overBudget(await this.#activity(), budget, (role) => this.#keyOf(role))) {
      const { pid, role, started } = ending.session
      const rows = await this.#query<{ done: boolean }>(
        'end-session',
        'select custody.end_session($1, $2, $3, $4) as done',
        [pid, role, started, ending.what === 'session'],
      )
      if (rows[0]?.done === true) reasons.push(`${role}: ${ending.what}: ${ending.why}`)
    }
    return reasons
  }

  async close(): Promise<void> {
    this.#closed ??= this.#pool.end()
    await this.#closed
  }

  /** Ends the sessions of leases that have ended, and waits until they are gone. Returns how many. */
  async drain(leases: readonly LeaseId[]): Promise<number> {
    if (leases.length === 0) return 0
    const began = performance.now()
    let starting: readonly number[] | null = null
    let sessionsEnded = 0
    for (let wait = 2; ; wait = Math.min(wait * 2, 100)) {
      const waited = performance.now() - began
      const rows: { ended: number; remaining: number; starting: number[] }[] = await this.#query(
        'drain',
        'select * from custody.drain($1, $2, $3)',
        [leases, starting, waited > AUTHENTICATION_PATIENCE_MS],
      )
      const state = rows[0]
      sessionsEnded = Math.max(sessionsEnded, state?.ended ?? 0)
      if (state?.remaining === 0) return sessionsEnded
      if (waited > DRAIN_TIMEOUT_MS) {
        throw new RingfenceError(
          'timed_out',
          'the logins are closed, but a session has not ended yet',
        )
      }
      starting = state?.starting ?? null
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }

  async #activity(): Promise<readonly SessionActivity[]> {
    const rows = await this.#query<{
      pid: number
      role_name: string
      backend_start: Date
      started: string
      state: string | null
      statement_seconds: number | null
      transaction_seconds: number | null
      idle_seconds: number | null
      temp_bytes: string
      blocks_others: boolean
    }>('activity', 'select * from custody.activity()', [])
    return Promise.all(
      rows.map(async (row) => ({
        pid: row.pid,
        role: row.role_name,
        startedAt: row.backend_start,
        started: row.started,
        state: row.state ?? '',
        statementSeconds: row.statement_seconds ?? 0,
        transactionSeconds: row.transaction_seconds ?? 0,
        idleSeconds: row.idle_seconds ?? 0,
        tempBytes: Number(row.temp_bytes),
        memoryKiB: this.#embedded ? await backendMemoryKiB(row.pid) : undefined,
        blocksOthers: row.blocks_others,
        exporting: loginScopeOf(row.role_name) === 'export',
      })),
    )
  }

  #keyOf(role: string): string {
    return role.slice(this.#names.prefix.length + 1, this.#names.prefix.length + 33)
  }

  async #query<R extends pg.QueryResultRow>(
    name: string,
    text: string,
    values: readonly unknown[],
  ): Promise<R[]> {
    try {
      return (await this.#pool.query<R>({ name, text, values: [...values] })).rows
    } catch (error) {
      throw refusal(error)
    }
  }
}

/** Turns the custody functions' refusals into typed errors; anything else is the engine's trouble. */
function refusal(error: unknown): RingfenceError {
  if (error instanceof RingfenceError) return error
  const options = { detail: messageOf(error), cause: error }
  switch (sqlState(error)) {
    case 'P0002':
      return new RingfenceError('tenant_unknown', 'no such active tenant', options)
    case SLOTS_TAKEN:
      return new RingfenceError('lease_denied', 'the tenant holds too many live leases', options)
    case LEASES_HELD:
      return new RingfenceError(
        'lease_denied',
        'the tenant changes places just now; ask again in a moment',
        options,
      )
    case '22023':
      return new RingfenceError('invalid_argument', 'scope or lifetime out of range', options)
    case '57014':
      return new RingfenceError('timed_out', 'the custody database did not answer in time', options)
    default:
      return new RingfenceError('engine_unavailable', 'the custody database refused', options)
  }
}
