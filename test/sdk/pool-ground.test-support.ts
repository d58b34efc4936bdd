import { createHash } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startSeeded } from '../../src/clusters/test-seed.test-support.ts'
import type { Scope } from '../../src/core/lease.ts'
import { parseRegion, parseTenantId, type TenantId } from '../../src/core/tenant.ts'
import { BUDGET_DEFAULT } from '../../src/boundaries/postgres/leases/budget.ts'
import { newPassword } from '../../src/clusters/scram.ts'
import type { Application } from '../../src/boundaries/postgres/manifest.ts'
import { namesFor } from '../../src/boundaries/postgres/names.ts'
import { Site } from '../../src/boundaries/postgres/site.ts'
import type { PooledLease } from '../../src/sdk/postgres/lease-login.ts'

const SQL = `create table word (
  tenant_id uuid not null, id int not null, text text not null, primary key (tenant_id, id));`
const SHA256 = createHash('sha256').update(SQL).digest('hex')

const APPLICATION: Application = {
  name: 'words',
  schema: 'words',
  tenantColumn: 'tenant_id',
  tables: { word: { allow: ['select', 'insert'], hidden: [], sample: {} } },
  shared: [],
  views: [],
  functions: [],
  migrations: [{ name: 'word', sql: SQL, sha256: SHA256 }],
  sha256: SHA256,
}

export interface GroundLease extends PooledLease {
  readonly credential: {
    readonly host: string
    readonly port: number
    readonly database: string
    readonly user: string
    readonly password: string
  }
}

/** A server with tenants for pools to work with. */
export interface PoolGround {
  readonly site: Site
  /** The administrator, on the custody database. */
  readonly admin: pg.Client
  addTenant(id: string): Promise<TenantId>
  lease(tenant: TenantId, seconds?: number, scope?: Scope): Promise<GroundLease>
  /** Sessions of tenants at the server now. */
  sessions(): Promise<number>
  close(): Promise<void>
}

export async function openPoolGround(): Promise<PoolGround> {
  const directory = await mkdtemp(join(tmpdir(), 'rf-pool-'))
  await chmod(directory, 0o711)
  const settings = { max_connections: '60' }
  const cluster = await startSeeded({ name: 'pool', directory, profile: 'silo', settings })
  const names = namesFor('rf', APPLICATION.name)
  const custodianPassword = newPassword()
  const options = { cluster, names, application: APPLICATION, custodianPassword }
  const site = await Site.open({ ...options, exclusive: true, bridges: false })
  const admin = new pg.Client(site.admin(names.custodyDatabase))
  admin.on('error', () => {})
  await admin.connect()
  return {
    site,
    admin,
    async addTenant(id) {
      const tenant = parseTenantId(id)
      await site.reserve({ id: tenant, tier: 'pooled', region: parseRegion('here') })
      await site.activate(tenant)
      return tenant
    },
    async lease(tenant, seconds = 3_600, scope = 'write') {
      const opened = await site.custodian.open(tenant, scope, seconds, 'test', BUDGET_DEFAULT)
      const { host, port } = cluster.admin
      const { database, user, password } = opened
      return {
        lease_id: opened.leaseId,
        expires_at: opened.expiresAt,
        credential: { host, port, database, user, password },
      }
    },
    async sessions() {
      const { rows } = await admin.query<{ count: number }>(
        `select count(*)::int from pg_stat_activity where usename ~ '^rf_[0-9a-f]{32}_'`,
      )
      return rows[0]?.count ?? 0
    },
    async close() {
      await admin.end()
      await site.close()
      await cluster.stop()
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** A lease source as an application has it: one lease a tenant, opened when first asked for. */
export function leasesOf(ground: PoolGround): (tenant: TenantId) => Promise<PooledLease> {
  const leases = new Map<TenantId, Promise<PooledLease>>()
  return (tenant) => {
    const lease = leases.get(tenant) ?? ground.lease(tenant)
    leases.set(tenant, lease)
    return lease
  }
}

export { until } from '../../src/core/until.test-support.ts'
