import type { Cluster } from '../../clusters/cluster.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Tenant, TenantId } from '../../core/tenant.ts'
import {
  databaseExists,
  inTransaction,
  onDatabase,
  type Settings,
  withClient,
} from './connection.ts'
import {
  copyDatabase,
  dropDatabase,
  installCluster,
  installDatabase,
  openToPooledTenants,
  sealTemplate,
} from './install/install.ts'
import { Custodian } from './leases/custodian.ts'
import type { Application } from './manifest.ts'
import { bridgeDatabase, type Names, newTenantKey, tenantKey, type TenantKey } from './names.ts'

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

export interface Reservation {
  readonly key: TenantKey
  readonly tier: Tenant['tier']
  readonly database: string
  readonly status: 'provisioning' | 'active' | 'erasing'
}

/** One server with Ringfence installed on it: a cell, or a silo, which is a cell of one tenant. */
export class Site {
  readonly cluster: Cluster
  readonly names: Names
  readonly application: Application
  readonly custodian: Custodian

  private constructor(options: SiteOptions) {
    this.cluster = options.cluster
    this.names = options.names
    this.application = options.application
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
  static async open(options: SiteOptions): Promise<Site> {
    const { cluster, names, application } = options
    await installCluster({ ...options, admin: cluster.admin })
    if (options.bridges) {
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
    const database =
      tenant.tier === 'bridge' ? bridgeDatabase(this.names, wanted) : this.names.pooledDatabase
    const row = await this.#custody<{
      key: string
      tier: Tenant['tier']
      region: string
      database: string
      status: Reservation['status']
    }>('select t.* from custody.reserve_tenant($1, $2, $3, $4, $5) t', [
      tenant.id,
      wanted,
      tenant.tier,
      tenant.region,
      database,
    ])
    if (row === undefined) throw new RingfenceError('internal', 'the tenant was not entered')
    if (row.tier !== tenant.tier || row.region !== tenant.region) {
      throw new RingfenceError(
        'invalid_argument',
        `${tenant.id} is already placed as ${row.tier} in ${row.region}; move it instead`,
      )
    }
    return { key: tenantKey(row.key), tier: row.tier, database: row.database, status: row.status }
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

  async activate(tenant: TenantId): Promise<void> {
    await this.#custody(`update custody.tenant set status = 'active' where tenant_id = $1`, [
      tenant,
    ])
  }

  /** From here on the tenant gets no lease; only `forget` remains. */
  async beginErasing(tenant: TenantId): Promise<Reservation | undefined> {
    const row = await this.#custody<{ key: string; tier: Tenant['tier']; database: string }>(
      `update custody.tenant set status = 'erasing' where tenant_id = $1 returning key, tier, database`,
      [tenant],
    )
    if (row === undefined) return undefined
    return { key: tenantKey(row.key), tier: row.tier, database: row.database, status: 'erasing' }
  }

  async dropBridgeDatabase(database: string): Promise<void> {
    await dropDatabase(this.cluster.admin, database)
  }

  async hasDatabase(database: string): Promise<boolean> {
    return withClient(this.cluster.admin, (client) => databaseExists(client, database))
  }

  /** Drops the tenant's logins, retires its key and takes it out of the ledger. Returns the number of logins. */
  async forget(tenant: TenantId, key: TenantKey): Promise<number> {
    return withClient(this.admin(this.names.custodyDatabase), (client) =>
      inTransaction(client, async () => {
        const { rows } = await client.query<{ rolname: string }>(
          `select rolname from pg_roles where rolname like $1 order by 1`,
          [`${this.names.prefix}\\_${key.replaceAll('-', '')}\\___`],
        )
        for (const { rolname } of rows) await client.query(`drop role "${rolname}"`)
        await client.query(
          'insert into custody.retired_key (key) values ($1) on conflict do nothing',
          [key],
        )
        await client.query('delete from custody.tenant where tenant_id = $1', [tenant])
        return rows.length
      }),
    )
  }

  async close(): Promise<void> {
    await this.custodian.close()
  }

  async #bridgeDatabases(): Promise<readonly string[]> {
    return withClient(this.admin(this.names.custodyDatabase), async (client) => {
      const { rows } = await client.query<{ database: string }>(
        `select database from custody.tenant where tier = 'bridge' and status = 'active' order by 1`,
      )
      return rows.map((row) => row.database)
    })
  }

  async #custody<R extends object>(sql: string, values: unknown[]): Promise<R | undefined> {
    return withClient(this.admin(this.names.custodyDatabase), async (client) => {
      return (await client.query<R>(sql, values)).rows[0]
    })
  }
}
