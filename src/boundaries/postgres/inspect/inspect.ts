import type pg from 'pg'
import { type Finding, SEVERITIES } from '../../../core/finding.ts'
import { databaseExists, literal, withClient } from '../connection.ts'
import type { Application } from '../manifest.ts'
import { tenantKey, type TenantKey } from '../names.ts'
import type { Site } from '../site.ts'
import { clusterPreludeSql } from './cluster-prelude.ts'
import { CLUSTER_RULES } from './cluster-rules.ts'
import { DATABASE_RULES } from './database-rules.ts'
import { judgeServer } from './judge-server.ts'
import { statePreludeSql } from './prelude.ts'
import { type Rule, violationsSql } from './rule.ts'
import { inspectStrayRows } from './stray-rows.ts'
import { STRUCTURE_RULES } from './structure-rules.ts'
import type { DatabaseSubject, ServerSubject } from './subject.ts'

/** Databases that are looked at side by side. */
const DATABASES_AT_ONCE = 4

const GUARDED = new Set(STRUCTURE_RULES.filter((rule) => rule.guarded).map((rule) => rule.id))

export interface InspectOptions {
  /** True for a copy that nobody will need after a crash. Default false. */
  readonly throwAway?: boolean
  /** Applications besides the site's own that were installed in its databases. */
  readonly alsoInstalled?: readonly Application[]
}

/** Who may connect to a database. Default: the tenants of the pooled groups. */
export interface Visitors {
  readonly pooled?: boolean
  readonly keys?: readonly TenantKey[]
}

/**
 * All findings of one server: of every database with tenant rows on it, of its roles, leases and
 * settings, and of its version. The sealed template of bridge databases is not connected to; what is
 * made from it is looked at instead. Reads only.
 */
export async function inspectSite(
  site: Site,
  options: InspectOptions = {},
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const next = (await databasesOf(site)).values()
  const work = async () => {
    for (const { database, visitors } of next) {
      const prefix = database === site.names.pooledDatabase ? '' : `${database}: `
      for (const finding of await inspectDatabase(site, database, options, visitors)) {
        findings.push({ ...finding, object: prefix + finding.object })
      }
    }
  }
  const workers = Array.from({ length: DATABASES_AT_ONCE }, work)
  findings.push(...(await inspectCluster(site, options)), ...(await inspectStrayRows(site)))
  await Promise.all(workers)
  return inOrder([...findings, ...judgeServer(site.cluster.serverVersion, findings)])
}

/** Findings of one database with tenant rows. Reads only. */
export async function inspectDatabase(
  site: Site,
  database: string,
  options: InspectOptions = {},
  visitors: Visitors = { pooled: true },
): Promise<readonly Finding[]> {
  const subject: DatabaseSubject = {
    ...serverSubject(site, options),
    applications: [
      site.application,
      ...(options.alsoInstalled ?? []).filter(({ name }) => name !== site.application.name),
    ],
    keys: visitors.keys ?? [],
    pooled: visitors.pooled ?? false,
  }
  return withClient(site.admin(database), async (client) => {
    await beginReading(client)
    const prelude = statePreludeSql(site.names)
    return [
      ...passingTheGuard(await run(client, prelude, STRUCTURE_RULES, site.names)),
      ...(await run(client, prelude, DATABASE_RULES, subject)),
    ]
  })
}

/** Findings of what belongs to the whole server: roles, leases, custody, settings. Reads only. */
export async function inspectCluster(
  site: Site,
  options: InspectOptions = {},
): Promise<readonly Finding[]> {
  return withClient(site.admin(site.names.custodyDatabase), async (client) => {
    await beginReading(client)
    // The planner takes intermediate results to be small; with thousands of logins they are not.
    await client.query('set local enable_nestloop = off')
    const prelude = clusterPreludeSql(site.names)
    return run(client, prelude, CLUSTER_RULES, serverSubject(site, options))
  })
}

/** Most severe first, then by rule and object, so that two inspections of one state are equal. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const key = ({ severity, rule, object }: Finding) =>
    `${SEVERITIES.indexOf(severity)} ${rule} ${object}`
  return findings.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
}

/** While several things are wrong, the guard refuses each single statement that mends one of them. */
function passingTheGuard(findings: readonly Finding[]): readonly Finding[] {
  if (findings.filter(({ rule }) => GUARDED.has(rule)).length < 2) return findings
  return findings.map((finding) =>
    finding.fix === undefined
      ? finding
      : { ...finding, fix: `select rf.mend(${literal(finding.fix)})` },
  )
}

function serverSubject(site: Site, options: InspectOptions): ServerSubject {
  return {
    names: site.names,
    serverVersion: site.cluster.serverVersion,
    exclusive: site.exclusive,
    throwAway: options.throwAway ?? false,
  }
}

async function beginReading(client: pg.Client): Promise<void> {
  // With this path the engine prints every name that is not its own with its schema.
  await client.query('begin read only; set local search_path = pg_catalog; set local jit = off')
}

async function run<S>(
  client: pg.Client,
  prelude: string,
  rules: readonly Rule<S>[],
  subject: S,
): Promise<readonly Finding[]> {
  const { rows } = await client.query<{ rule: string; object: string; fix: string | null }>(
    violationsSql(prelude, rules, subject),
  )
  const byId = new Map(rules.map((rule) => [rule.id, rule]))
  return rows.map(({ rule: id, object, fix }) => {
    const rule = byId.get(id)
    if (rule === undefined) throw new Error(`no rule ${id}`)
    const { severity, explanation } = rule
    return { rule: id, severity, object, explanation, fix: fix ?? undefined }
  })
}

async function databasesOf(
  site: Site,
): Promise<readonly { database: string; visitors: Visitors }[]> {
  const { pooledDatabase, custodyDatabase } = site.names
  return withClient(site.admin(custodyDatabase), async (client) => {
    const { rows } = await client.query<{ key: string; tier: string; database: string }>(
      // While a tenant moves it has two places, and logins in both.
      `select t.key, t.tier, t.database from (
         select key, tier, database from custody.tenant where tier = 'bridge' or tier = 'silo' and not away
         union all select key, tier, database from custody.move where tier = 'bridge') t
       join pg_catalog.pg_database d on d.datname = t.database and d.datallowconn
       order by t.database`,
    )
    const silos = rows.filter(({ tier }) => tier === 'silo')
    const pooled = (await databaseExists(client, pooledDatabase))
      ? [
          {
            database: pooledDatabase,
            visitors: { pooled: true, keys: silos.map(({ key }) => tenantKey(key)) },
          },
        ]
      : []
    const bridges = rows.filter(({ tier }) => tier === 'bridge')
    return [
      ...pooled,
      ...bridges.map(({ key, database }) => ({ database, visitors: { keys: [tenantKey(key)] } })),
    ]
  })
}
