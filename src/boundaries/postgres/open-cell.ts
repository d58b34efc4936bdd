import { join } from 'node:path'
import type { Cluster } from '../../clusters/cluster.ts'
import { stateDirectory } from '../../clusters/cluster-place.ts'
import { type EmbeddedCluster, startEmbedded } from '../../clusters/embedded-cluster.ts'
import { openExternal } from '../../clusters/external-cluster.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { CellOptions, OpenCell } from '../cell.ts'
import { type Application, loadApplication } from './manifest.ts'
import { namesFor } from './names.ts'
import { PostgresBoundary } from './postgres-boundary.ts'
import { RehearsalHost } from './rehearsal/rehearsal-host.ts'
import { versionText } from './server-version.ts'
import { readOrMakeSecret, Silos } from './silos.ts'
import { Site } from './site.ts'

/** The installation's prefix on a cell's servers. */
const PREFIX = 'rf'
/** Statements of tenants by the time that they took, without those that set passwords. */
const MEASURED = {
  shared_preload_libraries: 'plpgsql,pg_stat_statements',
  'pg_stat_statements.track_utility': 'off',
}
/** Of many tenants on one server, whose statements must not push each other out. About 10 MiB of memory. */
const MEASURED_CELL = { ...MEASURED, 'pg_stat_statements.max': '20000' }

/** Starts (or connects to) a cell's server and installs the boundary with the application on it. */
export async function openPostgresCell(options: CellOptions): Promise<OpenCell> {
  const application = loadApplication(options.manifest)
  await stateDirectory(options.directory)
  const cluster = await openCluster(options)
  try {
    return await openOn(cluster, options, application)
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

async function openCluster(options: CellOptions): Promise<Cluster | EmbeddedCluster> {
  if (options.url !== undefined) return openExternal(options.name, options.url)
  return startEmbedded({
    name: options.name,
    directory: join(options.directory, 'cluster'),
    profile: 'cell',
    ...(options.measured === true ? { settings: MEASURED_CELL } : {}),
    ...(options.log === undefined ? {} : { log: options.log }),
  })
}

async function openOn(
  cluster: Cluster | EmbeddedCluster,
  options: CellOptions,
  application: Application,
): Promise<OpenCell> {
  const names = namesFor(PREFIX, application.name)
  const log = options.log === undefined ? {} : { log: options.log }
  const site = await Site.open({
    cluster,
    names,
    application,
    custodianPassword: await readOrMakeSecret(join(options.directory, 'custodian')),
    exclusive: cluster.embedded,
    bridges: true,
  })
  const directory = join(options.directory, 'silos')
  const settings = options.measured === true ? { settings: MEASURED } : {}
  const boundary = new PostgresBoundary({
    cell: options.name,
    site,
    ...(cluster.embedded
      ? { silos: new Silos({ directory, names, application, ...settings, ...log }) }
      : {}),
    rehearsals: new RehearsalHost({ application, ...log }),
  })
  return {
    name: options.name,
    boundary,
    costs: { costs: () => boundary.costs() },
    facts: { server: versionText(cluster.serverVersion) },
    exited: 'exited' in cluster ? cluster.exited.then(() => {}) : new Promise(() => {}),
    administer: (tenant) => administer(boundary, tenant),
    async stop() {
      await boundary.close()
      await cluster.stop()
    },
  }
}

async function administer(boundary: PostgresBoundary, tenant: TenantId) {
  const found = await boundary.find(tenant)
  if (found === undefined) throw new RingfenceError('tenant_unknown', 'no such active tenant')
  const { host, port, user, password, database } = found.site.admin(found.database)
  return { key: found.key, admin: { host, port, user, password: password ?? '', database } }
}
