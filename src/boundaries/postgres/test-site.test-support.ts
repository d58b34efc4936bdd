import { createHash } from 'node:crypto'
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Cluster } from '../../clusters/cluster.ts'
import type { EmbeddedOptions } from '../../clusters/embedded-cluster.ts'
import { startSeeded, THROW_AWAY } from '../../clusters/test-seed.test-support.ts'
import type { Scope } from '../../core/lease.ts'
import {
  parseCellName,
  parseRegion,
  parseTenantId,
  type TenantId,
  type Tier,
} from '../../core/tenant.ts'
import type { Placement } from '../boundary.ts'
import type { Budget } from './leases/budget.ts'
import type { Application, Migration } from './manifest.ts'
import { type Names, namesFor } from './names.ts'
import { type PostgresCredential, PostgresBoundary } from './postgres-boundary.ts'
import { Silos } from './silos.ts'
import { Site } from './site.ts'

export { THROW_AWAY }
export { until } from '../../core/until.test-support.ts'

/** A folder of other PostgreSQL programs, to run a test file on another major version. */
const BINARIES = process.env['RINGFENCE_TEST_BINARIES']

export const CUSTODIAN_PASSWORD = 'custodian-of-this-test-only'

export function migration(name: string, sql: string): Migration {
  return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') }
}

/** An application with one table, which is all that most tests need. */
export const NOTES: Application = {
  name: 'notes',
  schema: 'notes',
  tenantColumn: 'tenant_id',
  tables: { note: { allow: ['select', 'insert', 'update', 'delete'], hidden: [], sample: {} } },
  shared: [],
  views: [],
  functions: [],
  migrations: [
    migration(
      '1',
      `create table note (
         tenant_id uuid not null, id uuid not null default gen_random_uuid(), body text not null,
         primary key (tenant_id, id))`,
    ),
  ],
  sha256: createHash('sha256').update('notes').digest('hex'),
}

export interface TestSiteOptions {
  readonly application?: Application
  /** Default false: no bridge tenants, which saves half the installation. */
  readonly bridges?: boolean
  readonly budget?: Budget
  readonly cluster?: Partial<EmbeddedOptions>
  /** A server that runs already, in place of an embedded one. It is not stopped. */
  readonly external?: Cluster
}

/** A server with the boundary installed, for one test file. */
export interface TestSite {
  readonly directory: string
  readonly cluster: Cluster
  readonly names: Names
  readonly site: Site
  readonly boundary: PostgresBoundary
  /** Each line that the server logged. */
  readonly log: readonly string[]
  /** Provisions a tenant. */
  provision(id: string, tier?: Tier): Promise<Placement>
  /** Leases for a tenant that is there and connects. */
  login(id: string, scope?: Scope, ttlSeconds?: number): Promise<pg.Client>
  /** A connection of any user, ended with the site at the latest. */
  connect(settings: pg.ClientConfig): Promise<pg.Client>
  /** A connection of the superuser's. */
  admin(database?: string): Promise<pg.Client>
  /** The custodian's own connection to the ledger. */
  custodian(): Promise<pg.Client>
  stop(): Promise<void>
}

export async function startTestSite(options: TestSiteOptions = {}): Promise<TestSite> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'rf-test-')))
  await chmod(directory, 0o711)
  const cleanUps: (() => Promise<unknown>)[] = [
    () => rm(directory, { recursive: true, force: true, maxRetries: 10 }),
  ]
  const stop = async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  }
  try {
    const log: string[] = []
    const { cluster, installed } =
      options.external === undefined
        ? await start(directory, options, log)
        : { cluster: options.external, installed: false }
    if (options.external === undefined) cleanUps.push(() => cluster.stop())
    const installing = { ...installation(options), cluster, exclusive: cluster.embedded }
    const { application, names } = installing
    const site = installed ? Site.attach(installing) : await Site.open(installing)
    const silos = new Silos({
      directory: join(directory, 'silos'),
      names,
      application,
      settings: THROW_AWAY,
    })
    const boundary = new PostgresBoundary({
      cell: parseCellName('test-cell'),
      site,
      // Silos run the programs that came with npm.
      ...(cluster.embedded && BINARIES === undefined ? { silos } : {}),
      ...(options.budget === undefined ? {} : { budget: options.budget }),
    })
    cleanUps.push(() => boundary.close())
    const connect = async (settings: pg.ClientConfig) => {
      const client = await connected(settings)
      cleanUps.push(() => client.end().catch(() => {}))
      return client
    }
    return {
      directory,
      cluster,
      names,
      site,
      boundary,
      log,
      provision: (id, tier = 'pooled') => boundary.provision(tenantOf(id, tier)),
      async login(id, scope = 'write', ttlSeconds = 600) {
        const request = { scope, ttlSeconds, holder: 'test' }
        const lease = await boundary.lease(parseTenantId(id), request)
        return connect(lease.credential)
      },
      connect,
      admin: (database = names.pooledDatabase) => connect(site.admin(database)),
      custodian: () =>
        connect({
          ...site.admin(names.custodyDatabase),
          user: names.custodian,
          password: CUSTODIAN_PASSWORD,
        }),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Connects without ever throwing out of the blue when the server ends the session. */
export async function connected(settings: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(settings)
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
}

/** Whether a credential opens a session now. */
export async function opens(credential: PostgresCredential): Promise<boolean> {
  try {
    await (await connected(credential)).end()
    return true
  } catch {
    return false
  }
}

export function tenantOf(id: string, tier: Tier) {
  return { id: parseTenantId(id), tier, region: parseRegion('eu-west') }
}

export const tenant = (id: string): TenantId => parseTenantId(id)

/** What is installed where, on whichever server. */
function installation(options: TestSiteOptions) {
  const application = options.application ?? NOTES
  return {
    application,
    names: namesFor('rf', application.name),
    custodianPassword: CUSTODIAN_PASSWORD,
    bridges: options.bridges ?? false,
  }
}

async function start(
  directory: string,
  options: TestSiteOptions,
  log: string[],
): Promise<{ readonly cluster: Cluster; readonly installed: boolean }> {
  const server = {
    name: 'test',
    directory: join(directory, 'cluster'),
    profile: 'cell',
    log: (line: string) => log.push(line),
    ...(BINARIES === undefined ? {} : { binaries: BINARIES }),
    ...options.cluster,
  } as const
  // A directory of the test's own may hold a server that has been at work already.
  if (options.cluster?.directory !== undefined) {
    return { cluster: await startSeeded(server), installed: false }
  }
  const installing = installation(options)
  const cluster = await startSeeded(server, {
    name: `site-${createHash('sha256').update(JSON.stringify(installing)).digest('hex')}`,
    fill: async (cluster) => {
      await (await Site.open({ ...installing, cluster, exclusive: true })).close()
    },
  })
  return { cluster, installed: true }
}
