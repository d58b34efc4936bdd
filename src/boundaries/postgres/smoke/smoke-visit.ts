import pg from 'pg'
import { RingfenceError } from '../../../core/errors.ts'
import type { LeaseId } from '../../../core/lease.ts'
import type { TenantId, Tier } from '../../../core/tenant.ts'
import { clientConfig, type Settings } from '../connection.ts'
import type { Budget } from '../leases/budget.ts'
import type { Application } from '../manifest.ts'
import type { LoginScope, TenantKey } from '../names.ts'
import type { Site } from '../site.ts'
import { type TenantTable, tenantTables } from '../tenant-tables.ts'

/** The place that is attacked. */
export interface SmokeSubject {
  readonly tenant: TenantId
  readonly key: TenantKey
  readonly tier: Tier
  readonly database: string
  readonly site: Site
  readonly budget: Budget
}

/** Long enough for a busy server, and over soon when nobody ends it. Seconds. */
const LEASE_SECONDS = 120
/** No lock is waited for: an attack must not stand in the way of the tenant's own work. */
const LOCK_NOT_AVAILABLE = '55P03'
const CAREFUL = `set lock_timeout = '1s'`

/** A session of the tenant's own. What it changes it takes back. */
export class SmokeSession {
  readonly client: pg.Client
  readonly login: Settings
  readonly lease: LeaseId

  constructor(client: pg.Client, login: Settings, lease: LeaseId) {
    this.client = client
    this.login = login
    this.lease = lease
  }

  /** Whether all statements of a transaction, which is then rolled back, went through. */
  async can(...statements: readonly string[]): Promise<boolean> {
    await this.client.query('begin')
    try {
      for (const statement of statements) await this.client.query(statement)
      return true
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error
      // Who waits for a lock has been let through.
      return error.code === LOCK_NOT_AVAILABLE
    } finally {
      await this.client.query('rollback')
    }
  }

  /** The first number of the answer; undefined when the engine refuses the question. */
  async number(...statements: readonly string[]): Promise<number | undefined> {
    let answer: number | undefined
    await this.client.query('begin')
    try {
      for (const statement of statements) {
        const { rows } = await this.client.query<Record<string, unknown>>(statement)
        answer = Number(Object.values(rows[0] ?? {})[0])
      }
      return answer
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error
      return undefined
    } finally {
      await this.client.query('rollback')
    }
  }
}

/** The sessions of one smoke attack, and the administrator's, to compare with. */
export interface SmokeVisit {
  readonly subject: SmokeSubject
  readonly application: Application
  readonly admin: pg.Client
  readonly tables: readonly TenantTable[]
  readonly sessions: Readonly<Record<LoginScope, SmokeSession>>
}

/** Leases for all scopes, lets `work` use them, and ends them. Throws `lease_denied`, `tenant_unknown`. */
export async function visit<T>(
  subject: SmokeSubject,
  work: (visit: SmokeVisit) => Promise<T>,
): Promise<T> {
  const { site, tenant, database } = subject
  const clients: pg.Client[] = []
  const leases: LeaseId[] = []
  const enter = async (scope: LoginScope): Promise<SmokeSession> => {
    const { custodian } = site
    const login = await custodian.open(tenant, scope, LEASE_SECONDS, 'smoke', subject.budget)
    leases.push(login.leaseId)
    const { host, port } = site.cluster.admin
    const { user, password } = login
    const settings = { host, port, user, password, database: login.database }
    const client = await connect(settings, clients)
    await client.query(CAREFUL)
    return new SmokeSession(client, settings, login.leaseId)
  }
  try {
    const admin = await connect(site.admin(database), clients)
    const [read, write, exporter] = await Promise.all([
      enter('read'),
      enter('write'),
      enter('export'),
    ])
    const tables = await tenantTables(admin, site.application)
    const sessions = { read, write, export: exporter }
    return await work({ subject, application: site.application, admin, tables, sessions })
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {})))
    for (const lease of leases) await site.custodian.end(tenant, lease, 'smoke over')
  }
}

async function connect(settings: Settings, opened: pg.Client[]): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(settings, 'ringfence-smoke'))
  client.on('error', () => {})
  opened.push(client)
  await client.connect().catch((error: unknown) => {
    throw new RingfenceError(
      'engine_unavailable',
      'the tenant’s own lease does not open a session',
      {
        cause: error,
      },
    )
  })
  return client
}

/** Whether a credential opens a session somewhere. */
export async function opensAt(settings: Settings): Promise<boolean> {
  const client = new pg.Client(clientConfig(settings, 'ringfence-smoke'))
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
