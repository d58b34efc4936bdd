import type pg from 'pg'
import type { Cluster } from '../../clusters/cluster.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Tenant, TenantId } from '../../core/tenant.ts'
import {
  databaseExists,
  ident,
  onDatabase,
  type Settings,
  typed,
  withClient,
} from './connection.ts'
import {
  copyDatabase,
  dropDatabase,
  installCluster,
  installDatabase,
  openToPooledTenants,
  sealTemplate,
  whileNobodyElseInstalls,
} from './install/install.ts'
import { Custodian } from './leases/custodian.ts'
import type { Application } from './manifest.ts'
import { readMove, type TenantPlace } from './ledger-moves.ts'
import {
  activateTenant,
  beginErasing,
  forgetTenant,
  lockTenant,
  loginsOf,
  type Reservation,
  reserveTenant,
} from './ledger.ts'
import { type Names, newTenantKey, type TenantKey } from './names.ts'

export interface SiteOptions {
  readonly cluster: Cluster
  readonly names: Names
  readonly application: Application
  readonly custodianPassword: string
  /** True when the server is Ringfence's alone: its other databases are closed to PUBLIC too. */
  readonly exclusive: boolean
  /** False for a silo, which holds one database and no bridge tenants. */
  readonly bridges: boolean
}

/** One server with Ringfence installed on it: a cell, or a silo, which is a cell of one tenant. */
export class Site {
  readonly cluster: Cluster
  readonly names: Names
  readonly application: Application
  readonly custodian: Custodian
  /** As in SiteOptions. */
  readonly exclusive: boolean

  private constructor(options: SiteOptions) {
    this.cluster = options.cluster
    this.names = options.names
    this.application = options.application
    this.exclusive = options.exclusive
    const { admin } = options.cluster
    this.custodian = new Custodian(
      {
        ...onDatabase(admin, options.names.custodyDatabase),
        user: options.names.custodian,
        password: options.custodianPassword,
      },
      options.names,
      options.cluster.embedded,
    )
  }

  /** Installs or completes what a server needs, runs new migrations everywhere, and returns the site. */
  static open(options: SiteOptions): Promise<Site> {
    const { cluster, names } = options
    return typed(() => whileNobodyElseInstalls(cluster.admin, names, () => Site.#install(options)))
  }

  static async #install(options: SiteOptions): Promise<Site> {
    const { cluster, names, application } = options
    await installCluster({ ...options, admin: cluster.admin })
    if (options.bridges) {
      await tellSilosApart(cluster, names)
      await installDatabase(cluster.admin, names, names.templateDatabase, application)
      await sealTemplate(cluster.admin, names.templateDatabase)
    }
    await installDatabase(cluster.admin, names, names.pooledDatabase, application)
    await openToPooledTenants(cluster.admin, names)
    const site = new Site(options)
    for (const database of await site.#bridgeDatabases()) {
      await installDatabase(cluster.admin, names, database, application)
    }
    return site
  }

  /** A site on a server where everything is installed already. */
  static attach(options: SiteOptions): Site {
    return new Site(options)
  }

  /** The administrator's connection settings on one of the site's databases. */
  admin(database: string): Settings {
    return onDatabase(this.cluster.admin, database)
  }

  /** Enters the tenant in the ledger, or finds it there. */
  async reserve(tenant: Tenant, wanted: TenantKey = newTenantKey()): Promise<Reservation> {
    return this.#onLedger((client) => reserveTenant(client, this.names, tenant, wanted))
  }

  /**
   * Enters the tenant, has `make` build its place, and opens it to leases. Only one process does so
   * at a time; one that is killed midway leaves it to the next call.
   * @throws RingfenceError `tenant_not_active` while the tenant is half erased
   */
  async provision(
    tenant: Tenant,
    make: (place: Reservation) => Promise<void>,
  ): Promise<Reservation> {
    return this.#onLedger(async (client) => {
      const wanted = newTenantKey()
      const found = await reserveTenant(client, this.names, tenant, wanted)
      if (found.status === 'active') return found
      await lockTenant(client, tenant.id)
      const place = await reserveTenant(client, this.names, tenant, wanted)
      if (place.status === 'erasing') {
        throw new RingfenceError(
          'tenant_not_active',
          `${tenant.id} is half erased; erase it again to finish that`,
        )
      }
      if (place.status === 'provisioning') {
        await make(place)
        await activateTenant(client, tenant.id, tenant.tier === 'silo')
      }
      return place
    })
  }

  /** Makes the tenant's own database, closed to everybody but its own logins. */
  async makeBridgeDatabase(database: string): Promise<void> {
    await copyDatabase(this.cluster.admin, this.names.templateDatabase, database)
  }

  /** Installs one more application in what bridge databases are made from. */
  async addToTemplate(application: Application): Promise<void> {
    const { names, cluster } = this
    await installDatabase(cluster.admin, names, names.templateDatabase, application)
    await sealTemplate(cluster.admin, names.templateDatabase)
  }

  /** Opens the tenant to leases on this server, which is its own. */
  async activate(tenant: TenantId): Promise<void> {
    await this.#onLedger((client) => activateTenant(client, tenant, false))
  }

  /** Gives no lease for the tenant on this server ever again. */
  async shut(tenant: TenantId): Promise<void> {
    await this.#onLedger((client) => beginErasing(client, tenant))
  }

  /**
   * Closes the tenant to leases, has `empty` delete what it owns in each of its places (two while it
   * moves), and takes it out of the ledger. Only one process does so at a time. Undefined when the
   * ledger does not know the tenant.
   */
  async erase<T>(
    tenant: TenantId,
    empty: (places: readonly TenantPlace[]) => Promise<T>,
  ): Promise<{ readonly result: T; readonly logins: number } | undefined> {
    return this.onTenant(tenant, async (client) => {
      const present = await beginErasing(client, tenant)
      if (present === undefined) return undefined
      const other = await readMove(client, tenant)
      const places = [present, ...(other === undefined ? [] : [other])]
      const result = await empty(places)
      for (const place of places) await this.disown(client, place)
      const keys = places.map(({ key }) => key)
      return { result, logins: await forgetTenant(client, this.names, tenant, keys) }
    })
  }

  /** Works in the ledger while no other process provisions, moves or erases the tenant. */
  async onTenant<T>(tenant: TenantId, work: (ledger: pg.Client) => Promise<T>): Promise<T> {
    return this.#onLedger(async (client) => {
      await lockTenant(client, tenant)
      return work(client)
    })
  }

  async dropBridgeDatabase(database: string): Promise<void> {
    await dropDatabase(this.cluster.admin, database)
  }

  async hasDatabase(database: string): Promise<boolean> {
    return withClient(this.cluster.admin, (client) => databaseExists(client, database))
  }

  async close(): Promise<void> {
    await this.custodian.close()
  }

  async #bridgeDatabases(): Promise<readonly string[]> {
    return withClient(this.admin(this.names.custodyDatabase), async (client) => {
      const { rows } = await client.query<{ database: string }>(
        // Those that are being filled too: a copy has to have the columns of the original.
        `select t.database from custody.tenant t where t.tier = 'bridge' and t.status = 'active'
         union select m.database from custody.move m join pg_catalog.pg_database d on d.datname = m.database
           where m.tier = 'bridge' and d.datallowconn order by 1`,
      )
      return rows.map((row) => row.database)
    })
  }

  /**
   * Removes what a tenant made its logins own or hold in the shared database, which would keep them
   * from being dropped.
   */
  async disown(ledger: pg.ClientBase, place: TenantPlace): Promise<void> {
    if (place.tier !== 'pooled') return
    const logins = await loginsOf(ledger, this.names, place.key)
    if (logins.length === 0) return
    await withClient(this.admin(this.names.pooledDatabase), async (client) => {
      // Past the guard: what is wrong elsewhere must not keep a tenant from being erased.
      await client.query('set session_replication_role = replica')
      await client.query(`drop owned by ${logins.map(ident).join(', ')}`)
    })
  }

  #onLedger<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    return withClient(this.admin(this.names.custodyDatabase), work)
  }
}

/** A ledger of an earlier release does not know that the leases of silos are not its own. */
async function tellSilosApart({ admin }: Cluster, names: Names): Promise<void> {
  await withClient(onDatabase(admin, names.custodyDatabase), (client) =>
    client.query(`update custody.tenant set away = true where tier = 'silo' and not away`),
  )
}
