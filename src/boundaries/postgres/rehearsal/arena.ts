import { randomBytes } from 'node:crypto'
import type { LeaseId, Scope } from '../../../core/lease.ts'
import type { Region, TenantId, Tier } from '../../../core/tenant.ts'
import { ident, onDatabase, type Settings, withClient } from '../connection.ts'
import { type Budget, BUDGET_DEFAULT } from '../leases/budget.ts'
import type { Application } from '../manifest.ts'
import type { TenantKey } from '../names.ts'
import type { Site } from '../site.ts'
import { plantRows, type PlantedRow } from './plant.ts'
import { Session, type Startup } from './session.ts'
import type { Side } from './side.ts'
import { TenantRows } from './tenant-rows.ts'

const LEASE_SECONDS = 1800

export interface ArenaOptions {
  readonly tier: Tier
  readonly application: Application
  readonly sides: readonly Side[]
  readonly refused: ReadonlyMap<string, string>
}

/** A throw-away copy with canaries in it, and credentials for each of its tenants. */
export class Arena {
  readonly tier: Tier
  readonly application: Application
  readonly sides: readonly Side[]
  /** Tables of the application in which no row could be made up, and why. */
  readonly refused: ReadonlyMap<string, string>
  readonly #logins: Map<string, Promise<Settings & { leaseId: LeaseId }>>
  /** Connections of the present strike, and for whom they can be lent again. */
  readonly #sessions = new Map<Session, string | undefined>()
  readonly #spare = new Map<string, Session[]>()
  readonly #closing = new Set<Promise<void>>()
  #rows: Promise<TenantRows> | undefined

  /** `original`: the arena whose copy this is. The two share servers, roles and leases. */
  constructor(options: ArenaOptions, original?: Arena) {
    this.#logins = original === undefined ? new Map() : original.#logins
    this.tier = options.tier
    this.application = options.application
    this.sides = options.sides
    this.refused = options.refused
  }

  side(tenant: TenantId): Side {
    const side = this.sides.find((one) => one.tenant === tenant)
    if (side === undefined) throw new Error('no such tenant in this rehearsal')
    return side
  }

  /** A leased login of the tenant's, always the same one, on the tenant's database in this arena. */
  async login(side: Side, scope: Scope = 'write'): Promise<Settings & { leaseId: LeaseId }> {
    return { ...(await this.#sharedLogin(side, scope)), database: side.database }
  }

  #sharedLogin(side: Side, scope: Scope): Promise<Settings & { leaseId: LeaseId }> {
    const id = `${side.tenant}/${scope}`
    const known = this.#logins.get(id)
    if (known !== undefined) return known
    const opening = this.freshLogin(side, scope)
    this.#logins.set(id, opening)
    return opening
  }

  /** A new lease for the tenant. The caller ends it. */
  async freshLogin(
    side: Side,
    scope: Scope = 'write',
    seconds: number = LEASE_SECONDS,
    budget: Budget = BUDGET_DEFAULT,
  ): Promise<Settings & { leaseId: LeaseId }> {
    const opened = await side.site.custodian.open(side.tenant, scope, seconds, 'rehearsal', budget)
    const { host, port } = side.site.cluster.admin
    const { leaseId, user, password } = opened
    if (this.tier !== 'pooled' && opened.database !== side.database) {
      // A weakened copy: the ledger knows the original's database only.
      await withClient(side.site.cluster.admin, (client) =>
        client.query(`grant connect on database ${ident(side.database)} to ${ident(user)}`),
      )
    }
    return { host, port, user, password, database: side.database, leaseId }
  }

  /** Opens a new connection as the tenant. It is ended with the strike. */
  async open(side: Side, scope: Scope = 'write'): Promise<Session> {
    return this.openWith(await this.login(side, scope))
  }

  /** Opens a new connection with any settings. Throws what the server answers. */
  async openWith(settings: Settings, startup?: Startup): Promise<Session> {
    const session = await Session.connect(settings, startup)
    this.#sessions.set(session, undefined)
    return session
  }

  /** A connection as the tenant that may have served an earlier strike, with nothing left of it. */
  async lend(side: Side, scope: Scope = 'write'): Promise<Session> {
    return this.#lend(`${side.tenant}/${scope}`, await this.login(side, scope))
  }

  /** The administrator, on the tenant's database: for judging by state. */
  admin(side: Side): Promise<Session> {
    return this.#lend(
      `${side.tenant}/administrator`,
      onDatabase(side.site.cluster.admin, side.database),
    )
  }

  async #lend(use: string, settings: Settings): Promise<Session> {
    const spare = this.#spare.get(use) ?? []
    for (let session = spare.pop(); session !== undefined; session = spare.pop()) {
      if (!session.isOpen) continue
      this.#sessions.set(session, use)
      return session
    }
    const session = await Session.connect(settings)
    this.#sessions.set(session, use)
    return session
  }

  /** Rolls back what the strike's connections have left open. */
  async rollBack(): Promise<void> {
    await Promise.all(
      [...this.#sessions.keys()].map(async (session) => {
        if (session.isOpen) await session.run('rollback')
      }),
    )
  }

  /** Ends the strike's connections, but for those that can be lent again. */
  async endStrike(): Promise<void> {
    await this.rollBack()
    const ending = [...this.#sessions]
    this.#sessions.clear()
    await Promise.all(
      ending.map(async ([session, use]) => {
        if (use !== undefined && session.isOpen && (await session.reset())) {
          this.#spare.set(use, [...(this.#spare.get(use) ?? []), session])
        } else {
          const closing = session.close().finally(() => this.#closing.delete(closing))
          this.#closing.add(closing)
        }
      }),
    )
  }

  /** All tenants' rows as the administrator sees them. It stays connected until `rest`. */
  rows(): Promise<TenantRows> {
    this.#rows ??= TenantRows.watch(this.sides)
    return this.#rows
  }

  /** Closes every connection, so that the databases can be copied or dropped. */
  async rest(): Promise<void> {
    const rows = this.#rows
    this.#rows = undefined
    const open = [...this.#sessions.keys(), ...[...this.#spare.values()].flat()]
    this.#sessions.clear()
    this.#spare.clear()
    await Promise.all([...open.map((session) => session.close()), ...this.#closing])
    await rows?.then((watched) => watched.close()).catch(() => {})
  }

  /** Tenants whose canary the administrator finds in the tenant's own place. */
  async canariesSeen(): Promise<readonly TenantId[]> {
    const seen = await Promise.all(
      [...byDatabase(this.sides).values()].map((there) => canariesIn(there)),
    )
    const found = new Set(seen.flat())
    return this.sides.flatMap(({ tenant }) => (found.has(tenant) ? [tenant] : []))
  }
}

function byDatabase(sides: readonly Side[]): ReadonlyMap<string, readonly Side[]> {
  return Map.groupBy(sides, ({ site, database }) => {
    const { host, port } = site.cluster.admin
    return `${host}/${port}/${database}`
  })
}

/** Looks at tenants of one database, over one connection. */
async function canariesIn(sides: readonly Side[]): Promise<readonly TenantId[]> {
  const [first] = sides
  if (first === undefined) return []
  return withClient(onDatabase(first.site.cluster.admin, first.database), async (client) => {
    const seen: TenantId[] = []
    for (const { tenant, canary, key } of sides) {
      const { rows } = await client.query<{ count: number }>(
        'select count(*)::int as count from ground.note where title = $1 and tenant_id = $2',
        [canary, key],
      )
      if (rows[0]?.count === 1) seen.push(tenant)
    }
    return seen
  })
}

/** Region of throw-away tenants; it is never shown. */
export const REHEARSAL_REGION = 'rehearsal' as Region

export function newCanary(): string {
  return `canary-${randomBytes(16).toString('hex')}`
}

/** Plants the tenant's canaries: in the proving ground and in every table of the application. */
export async function plantSide(
  site: Site,
  database: string,
  applications: readonly Application[],
  key: TenantKey,
  canary: string,
): Promise<{ planted: readonly PlantedRow[]; refused: ReadonlyMap<string, string> }> {
  return withClient(site.admin(database), async (admin) => {
    // The application's triggers ask which tenant is at work, and the administrator is none.
    await admin.query('set session_replication_role = replica')
    const planted: PlantedRow[] = []
    const refused = new Map<string, string>()
    for (const application of applications) {
      const result = await plantRows(admin, application, key, canary)
      planted.push(...result.planted)
      for (const [table, why] of result.refused) refused.set(`${application.schema}.${table}`, why)
    }
    return { planted, refused }
  })
}
