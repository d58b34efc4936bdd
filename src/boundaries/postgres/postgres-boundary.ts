import { RingfenceError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import type { Lease, LeaseId, LeaseRequest } from '../../core/lease.ts'
import { type CellName, type Tenant, type TenantId, type Tier, TIERS } from '../../core/tenant.ts'
import type {
  Attack,
  Boundary,
  CutOver,
  Erasure,
  ExportManifest,
  ExportSink,
  LeaseRecord,
  MoveProgress,
  Mutant,
  Placement,
  Rehearsal,
  Revocation,
  SmokeCheck,
  Sweep,
} from '../boundary.ts'
import { ATTACKS } from './attacks/attacks.ts'
import { type Settings, typed } from './connection.ts'
import type { CostReading } from '../costs.ts'
import { readCosts } from './costs/read-costs.ts'
import { ERASURE_NOT_COVERED } from './erase.ts'
import { exportTenant } from './export.ts'
import { inOrder } from './inspect/inspect.ts'
import { inspectSites } from './inspect/inspect-across.ts'
import { inspectSilos } from './inspect/inspect-silos.ts'
import { type Budget, BUDGET_DEFAULT } from './leases/budget.ts'
import {
  credentialOf,
  giveLease,
  type Located,
  type PostgresCredential,
} from './leases/give-lease.ts'
import type { Reservation } from './ledger.ts'
import { MUTANTS } from './mutants/mutants.ts'
import type { MoveStep } from './move/move-steps.ts'
import { PostgresMover } from './move/postgres-mover.ts'
import { Places } from './places.ts'
import type { RehearsalHost } from './rehearsal/rehearsal-host.ts'
import { SiloWaker } from './silo-waker.ts'
import type { Silos } from './silos.ts'
import type { Site } from './site.ts'
import { smokeTenant } from './smoke/smoke-tenant.ts'

export interface PostgresBoundaryOptions {
  readonly cell: CellName
  readonly site: Site
  /** Absent where servers cannot be started (an external cell): the tier silo is then refused. */
  readonly silos?: Silos
  /** Where throw-away copies are made. Absent in processes that only lease. */
  readonly rehearsals?: RehearsalHost
  readonly budget?: Budget
  /** Told of each step of a move. For tests that stop there. */
  readonly onMoveStep?: (step: MoveStep) => Promise<void>
}

export type { PostgresCredential } from './leases/give-lease.ts'

/** The longest that the ledger allows. The credential never leaves this process and ends with the export. */
const EXPORT_LEASE_SECONDS = 86_400

/** PostgreSQL as a boundary. Row security, databases and servers separate tenants, by tier. */
export class PostgresBoundary implements Boundary<PostgresCredential> {
  readonly engine = 'postgres'
  readonly tiers: readonly Tier[]
  readonly #options: PostgresBoundaryOptions
  readonly #budget: Budget
  readonly #places: Places
  readonly #mover: PostgresMover
  readonly #waker: SiloWaker | undefined

  constructor(options: PostgresBoundaryOptions) {
    this.#options = options
    this.#budget = options.budget ?? BUDGET_DEFAULT
    this.tiers = options.silos === undefined ? TIERS.filter((tier) => tier !== 'silo') : TIERS
    const { cell, site, silos, onMoveStep } = options
    this.#places = new Places(site, silos)
    this.#waker = silos === undefined ? undefined : new SiloWaker(site, silos)
    this.#mover = new PostgresMover({
      cell,
      site,
      places: this.#places,
      tiers: this.tiers,
      ...(onMoveStep === undefined ? {} : { onStep: onMoveStep }),
    })
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

  lease(tenant: TenantId, request: LeaseRequest): Promise<Lease<PostgresCredential>> {
    return giveLease(
      {
        cell: this.#options.cell,
        budget: this.#budget,
        locate: () => this.#locate(tenant),
        present: () => this.#options.site.custodian.find(tenant),
      },
      tenant,
      request,
    )
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
    this.#waker?.wake()
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
    const { site, silos } = this.#options
    const sites = await this.#sites()
    return typed(async () =>
      inOrder([...(await inspectSites(sites)), ...(await inspectSilos(site, silos))]),
    )
  }

  async smoke(tenant: TenantId): Promise<readonly SmokeCheck[]> {
    const place = await this.#locate(tenant)
    return typed(() => smokeTenant({ tenant, ...place, budget: this.#budget }))
  }

  prepareMove(tenant: TenantId, to: Tier): Promise<MoveProgress> {
    return this.#mover.prepareMove(tenant, to)
  }

  catchUp(tenant: TenantId): Promise<MoveProgress> {
    return this.#mover.catchUp(tenant)
  }

  cutOver(tenant: TenantId): Promise<CutOver> {
    return this.#mover.cutOver(tenant)
  }

  abortMove(tenant: TenantId): Promise<void> {
    return this.#mover.abortMove(tenant)
  }

  finishMove(tenant: TenantId): Promise<Erasure> {
    return this.#mover.finishMove(tenant)
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
      site.erase(tenant, async (places) => {
        await site.custodian.end(tenant, undefined, 'erased')
        const emptied = []
        for (const place of places) emptied.push(await this.#places.drop(place))
        return {
          deleted: emptied.flatMap((one) => one.deleted),
          probes: emptied.flatMap((one) => one.probes),
        }
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

  /** As `CostMeter` says. A silo that sleeps costs no time, and is measured when it runs again. */
  async costs(): Promise<readonly CostReading[]> {
    const { site, silos } = this.#options
    const running = silos === undefined ? [] : await silos.running()
    return typed(async () => {
      const readings = [...(await readCosts(site, false))]
      for (const silo of running) readings.push(...(await readCosts(silo, true)))
      return readings
    })
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
    await this.#waker?.settled()
    await this.#options.site.close()
  }

  async #makePlace(tenant: Tenant, place: Reservation): Promise<void> {
    await this.#places.make(tenant.id, tenant.region, place)
    await this.#places.open(tenant.id, place)
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
    const silo = await this.#places.silos().open(key)
    return { site: silo, key, tier, database: silo.names.pooledDatabase }
  }

  async #sites(): Promise<readonly Site[]> {
    const { site, silos } = this.#options
    return [site, ...(silos === undefined ? [] : await silos.running())]
  }
}
