import { RingfenceError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import {
  LEASE_TTL_SECONDS_DEFAULT,
  LEASE_TTL_SECONDS_MAX,
  LEASE_TTL_SECONDS_MIN,
  type Lease,
  type LeaseId,
  type LeaseRequest,
  SCOPES,
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
import { type Settings, typed } from './connection.ts'
import { ERASURE_NOT_COVERED, eraseRows } from './erase.ts'
import { exportTenant } from './export.ts'
import { inspectSites } from './inspect/inspect-across.ts'
import { type Budget, BUDGET_DEFAULT } from './leases/budget.ts'
import type { OpenedLogin } from './leases/custodian.ts'
import type { Reservation } from './ledger.ts'
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

/** The longest that the ledger allows. The credential never leaves this process and ends with the export. */
const EXPORT_LEASE_SECONDS = 86_400

/** Who asks, for the ledger: 1 to 100 visible characters. */
const HOLDER = /^[\x21-\x7e](?:[\x20-\x7e]{0,98}[\x21-\x7e])?$/

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
    const place = await typed(() => site.provision(tenant, (made) => this.#makePlace(tenant, made)))
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
    if (!SCOPES.includes(request.scope)) {
      throw new RingfenceError('invalid_argument', `a scope is one of ${SCOPES.join(', ')}`)
    }
    if (!HOLDER.test(request.holder)) {
      throw new RingfenceError('invalid_argument', 'a holder is a name like vending-1')
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
    const sites = await this.#sites()
    const results = await Promise.allSettled(
      sites.map((site) => site.custodian.sweep(this.#budget)),
    )
    // One server that is down does not keep the others from being swept, but it is reported.
    const done = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const failed = results.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return {
      leasesExpired: done.reduce((sum, sweep) => sum + sweep.leasesExpired, 0),
      sessionsEnded: done.reduce((sum, sweep) => sum + sweep.sessionsEnded, 0),
      overBudget: done.flatMap((sweep) => sweep.overBudget),
    }
  }

  async inspect(): Promise<readonly Finding[]> {
    const sites = await this.#sites()
    return typed(() => inspectSites(sites))
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
      return await typed(() =>
        exportTenant({
          tenant,
          key,
          sink,
          application: site.application,
          admin: site.admin(database),
          login: credentialOf(site, login) satisfies Settings,
        }),
      )
    } finally {
      await site.custodian.end(tenant, login.leaseId, 'exported')
    }
  }

  async erase(tenant: TenantId): Promise<Erasure> {
    const { site } = this.#options
    const erased = await typed(() =>
      site.erase(tenant, async (place) => {
        await site.custodian.end(tenant, undefined, 'erased')
        return this.#eraseFrom(place)
      }),
    )
    const { deleted, probes } = erased?.result ?? { deleted: [], probes: [] }
    const logins = erased === undefined ? [] : [{ item: 'logins', count: erased.logins }]
    return {
      tenant,
      erasedAt: new Date(),
      notCovered: ERASURE_NOT_COVERED,
      deleted: [...deleted, ...logins],
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

  async #makePlace(tenant: Tenant, place: Reservation): Promise<void> {
    if (tenant.tier === 'bridge') await this.#options.site.makeBridgeDatabase(place.database)
    if (tenant.tier === 'silo') {
      const silo = await this.#silos().create(place.key)
      await silo.reserve(tenant, place.key)
      await silo.activate(tenant.id)
    }
  }

  async #eraseFrom(place: Reservation): Promise<Pick<Erasure, 'deleted' | 'probes'>> {
    const { site } = this.#options
    if (place.tier === 'pooled') {
      return eraseRows(site.admin(place.database), site.application, place.key)
    }
    if (place.tier === 'bridge') {
      const count = (await site.hasDatabase(place.database)) ? 1 : 0
      await site.dropBridgeDatabase(place.database)
      const found = (await site.hasDatabase(place.database)) ? 1 : 0
      return { deleted: [{ item: 'database', count }], probes: [{ place: 'databases', found }] }
    }
    const silos = this.#silos()
    const count = silos.exists(place.key) ? 1 : 0
    await silos.remove(place.key)
    const found = silos.exists(place.key) ? 1 : 0
    return { deleted: [{ item: 'server', count }], probes: [{ place: 'directories', found }] }
  }

  async #locate(tenant: TenantId): Promise<Located> {
    const found = await this.find(tenant)
    if (found === undefined) throw new RingfenceError('tenant_unknown', 'no such active tenant')
    return found
  }

  /**
   * The server that holds a tenant: the cell's, or the tenant's own. Undefined before it is
   * provisioned, and for a silo from the moment that it is being erased.
   */
  async find(tenant: TenantId): Promise<Located | undefined> {
    const { site } = this.#options
    const place = await site.custodian.find(tenant)
    if (place === undefined || place.status === 'provisioning') return undefined
    const { key, tier, database } = place
    if (tier !== 'silo') return { site, key, tier, database }
    if (place.status === 'erasing') return undefined
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
