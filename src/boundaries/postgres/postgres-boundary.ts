import { RingfenceError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import {
  LEASE_TTL_SECONDS_DEFAULT,
  LEASE_TTL_SECONDS_MAX,
  LEASE_TTL_SECONDS_MIN,
  type Lease,
  type LeaseId,
  type LeaseRequest,
} from '../../core/lease.ts'
import { type CellName, type Tenant, type TenantId, type Tier, TIERS } from '../../core/tenant.ts'
import type {
  Attack,
  Boundary,
  Erasure,
  ExportManifest,
  ExportSink,
  LeaseRecord,
  Mutant,
  Placement,
  Rehearsal,
  Revocation,
  Sweep,
} from '../boundary.ts'
import { ATTACKS } from './attacks/attacks.ts'
import type { Settings } from './connection.ts'
import { ERASURE_NOT_COVERED, eraseRows } from './erase.ts'
import { exportTenant } from './export.ts'
import { inspectSite } from './inspect/inspect.ts'
import { type Budget, BUDGET_DEFAULT } from './leases/budget.ts'
import type { OpenedLogin } from './leases/custodian.ts'
import { MUTANTS } from './mutants/mutants.ts'
import type { TenantKey } from './names.ts'
import type { RehearsalHost } from './rehearsal/rehearsal-host.ts'
import type { Silos } from './silos.ts'
import type { Site } from './site.ts'

/** libpq's own words for a connection, so that any PostgreSQL client understands them. */
export type PostgresCredential = Readonly<{
  host: string
  port: number
  database: string
  user: string
  password: string
}>

export interface PostgresBoundaryOptions {
  readonly cell: CellName
  readonly site: Site
  /** Absent where servers cannot be started (an external cell): the tier silo is then refused. */
  readonly silos?: Silos
  /** Where throw-away copies are made. Absent in processes that only lease. */
  readonly rehearsals?: RehearsalHost
  readonly budget?: Budget
}

const EXPORT_LEASE_SECONDS = 3600

/** PostgreSQL as a boundary. Row security, databases and servers separate tenants, by tier. */
export class PostgresBoundary implements Boundary<PostgresCredential> {
  readonly engine = 'postgres'
  readonly tiers: readonly Tier[]
  readonly #options: PostgresBoundaryOptions
  readonly #budget: Budget

  constructor(options: PostgresBoundaryOptions) {
    this.#options = options
    this.#budget = options.budget ?? BUDGET_DEFAULT
    this.tiers = options.silos === undefined ? TIERS.filter((tier) => tier !== 'silo') : TIERS
  }

  async provision(tenant: Tenant): Promise<Placement> {
    const { cell, site } = this.#options
    if (!this.tiers.includes(tenant.tier)) {
      throw new RingfenceError('engine_unsupported', `this cell cannot hold ${tenant.tier} tenants`)
    }
    const place = await site.reserve(tenant)
    if (place.status === 'erasing') {
      throw new RingfenceError(
        'tenant_not_active',
        `${tenant.id} is being erased; finish that first`,
      )
    }
    if (place.status === 'provisioning') {
      if (tenant.tier === 'bridge') await site.makeBridgeDatabase(place.database)
      if (tenant.tier === 'silo') {
        const silo = await this.#silos().open(place.key)
        await silo.reserve(tenant, place.key)
        await silo.activate(tenant.id)
      }
      await site.activate(tenant.id)
    }
    const { key, database } = place
    return { tenant: tenant.id, tier: tenant.tier, cell, key, place: database }
  }

  async lease(tenant: TenantId, request: LeaseRequest): Promise<Lease<PostgresCredential>> {
    const seconds = request.ttlSeconds ?? LEASE_TTL_SECONDS_DEFAULT
    if (!(seconds >= LEASE_TTL_SECONDS_MIN && seconds <= LEASE_TTL_SECONDS_MAX)) {
      throw new RingfenceError(
        'invalid_argument',
        `a lease lives ${LEASE_TTL_SECONDS_MIN} to ${LEASE_TTL_SECONDS_MAX} seconds`,
      )
    }
    const { site, tier } = await this.#locate(tenant)
    const opened = await site.custodian.open(
      tenant,
      request.scope,
      Math.floor(seconds),
      request.holder,
      this.#budget,
    )
    return {
      lease_id: opened.leaseId,
      lease_duration: Math.floor(seconds),
      renewable: true,
      tenant,
      boundary: this.engine,
      tier,
      cell: this.#options.cell,
      scope: request.scope,
      issued_at: opened.issuedAt,
      expires_at: opened.expiresAt,
      credential: credentialOf(site, opened),
    }
  }

  async revoke(tenant: TenantId, lease?: LeaseId): Promise<Revocation> {
    const found = await this.find(tenant)
    if (found === undefined) return { leases: [], sessionsEnded: 0 }
    return found.site.custodian.end(tenant, lease, 'revoked')
  }

  async leases(tenant: TenantId): Promise<readonly LeaseRecord[]> {
    const found = await this.find(tenant)
    return found === undefined ? [] : found.site.custodian.records(tenant)
  }

  async sweep(): Promise<Sweep> {
    const results: Sweep[] = []
    for (const site of await this.#sites()) results.push(await site.custodian.sweep(this.#budget))
    return {
      leasesExpired: results.reduce((sum, sweep) => sum + sweep.leasesExpired, 0),
      sessionsEnded: results.reduce((sum, sweep) => sum + sweep.sessionsEnded, 0),
      overBudget: results.flatMap((sweep) => sweep.overBudget),
    }
  }

  async inspect(): Promise<readonly Finding[]> {
    const findings: Finding[] = []
    for (const site of await this.#sites()) findings.push(...(await inspectSite(site)))
    return findings
  }

  async export(tenant: TenantId, sink: ExportSink): Promise<ExportManifest> {
    const { site, key, database } = await this.#locate(tenant)
    const login = await site.custodian.open(
      tenant,
      'export',
      EXPORT_LEASE_SECONDS,
      'export',
      this.#budget,
    )
    try {
      return await exportTenant({
        tenant,
        key,
        sink,
        application: site.application,
        admin: site.admin(database),
        login: credentialOf(site, login) satisfies Settings,
      })
    } finally {
      await site.custodian.end(tenant, login.leaseId, 'exported')
    }
  }

  async erase(tenant: TenantId): Promise<Erasure> {
    const { site } = this.#options
    const erasedAt = new Date()
    const notCovered = ERASURE_NOT_COVERED
    const place = await site.beginErasing(tenant)
    if (place === undefined) return { tenant, erasedAt, deleted: [], probes: [], notCovered }
    await site.custodian.end(tenant, undefined, 'erased')
    const { deleted, probes } = await this.#eraseFrom(place)
    const logins = await site.forget(tenant, place.key)
    return {
      tenant,
      erasedAt,
      notCovered,
      deleted: [...deleted, { item: 'logins', count: logins }],
      probes,
    }
  }

  attacks(): readonly Attack[] {
    return ATTACKS
  }

  mutants(): readonly Mutant[] {
    return MUTANTS
  }

  async rehearse(tier: Tier, tenants: readonly TenantId[]): Promise<Rehearsal> {
    if (this.#options.rehearsals === undefined) {
      throw new RingfenceError('engine_unsupported', 'this process cannot make throw-away copies')
    }
    return this.#options.rehearsals.rehearse(tier, tenants)
  }

  async close(): Promise<void> {
    await this.#options.silos?.close()
    await this.#options.site.close()
  }

  async #eraseFrom(place: Omit<Located, 'site'>): Promise<Pick<Erasure, 'deleted' | 'probes'>> {
    const { site } = this.#options
    if (place.tier === 'pooled') {
      return eraseRows(site.admin(place.database), site.application, place.key)
    }
    if (place.tier === 'bridge') {
      await site.dropBridgeDatabase(place.database)
      const found = (await site.hasDatabase(place.database)) ? 1 : 0
      return { deleted: [{ item: 'database', count: 1 }], probes: [{ place: 'databases', found }] }
    }
    const silos = this.#silos()
    await silos.remove(place.key)
    const found = silos.exists(place.key) ? 1 : 0
    return { deleted: [{ item: 'server', count: 1 }], probes: [{ place: 'directories', found }] }
  }

  async #locate(tenant: TenantId): Promise<Located> {
    const found = await this.find(tenant)
    if (found === undefined) throw new RingfenceError('tenant_unknown', 'no such active tenant')
    return found
  }

  /** The server that holds an active tenant: the cell's, or the tenant's own. */
  async find(tenant: TenantId): Promise<Located | undefined> {
    const { site } = this.#options
    const place = await site.custodian.find(tenant)
    if (place === undefined || place.status === 'provisioning') return undefined
    const { key, tier, database } = place
    if (tier !== 'silo') return { site, key, tier, database }
    const silo = await this.#silos().open(key)
    return { site: silo, key, tier, database: silo.names.pooledDatabase }
  }

  async #sites(): Promise<readonly Site[]> {
    const { site, silos } = this.#options
    return [site, ...(silos === undefined ? [] : await silos.running())]
  }

  #silos(): Silos {
    const { silos } = this.#options
    if (silos === undefined) {
      throw new RingfenceError('engine_unsupported', 'this process cannot start silos')
    }
    return silos
  }
}

export interface Located {
  readonly site: Site
  readonly key: TenantKey
  readonly tier: Tier
  readonly database: string
}

function credentialOf(site: Site, opened: OpenedLogin): PostgresCredential {
  const { host, port } = site.cluster.admin
  return { host, port, database: opened.database, user: opened.user, password: opened.password }
}
