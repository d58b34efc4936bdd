import type { SmokeCheck } from '../../boundary.ts'
import { ident, literal } from '../connection.ts'
import { inspectDatabase } from '../inspect/inspect.ts'
import type { TenantTable } from '../tenant-tables.ts'
import { opensAt, type SmokeSession, type SmokeVisit } from './smoke-visit.ts'

/** Databases of other tenants' that are knocked at. There may be thousands. */
const OTHERS_MAX = 3

export type Smoke = (visit: SmokeVisit) => Promise<Omit<SmokeCheck, 'id'>>

/** What the manifest lets tenants do with a table. */
const rights = ({ application }: SmokeVisit, table: TenantTable) =>
  application.tables[table.name]?.allow ?? []

/** Needs the right to insert, and inserts nothing. */
const insertNothing = ({ qualified, tenantColumn }: TenantTable) =>
  `insert into ${qualified} (${ident(tenantColumn)}) select null::uuid where false`

function judged(what: string, wrong: readonly string[]): Omit<SmokeCheck, 'id'> {
  const outcome = wrong.length === 0 ? what : `${what}; not held: ${wrong.join(', ')}`
  return { held: wrong.length === 0, outcome }
}

/** The owner goes first: both scopes get in and can do what the manifest says. */
export const ownerGetsIn: Smoke = async (visit) => {
  const { read, write } = visit.sessions
  const wrong: string[] = []
  for (const table of visit.tables) {
    const allowed = rights(visit, table)
    const look = `select from ${table.qualified} limit 1`
    if (allowed.includes('select') && !(await read.can(look))) wrong.push(`read ${table.name}`)
    if (allowed.includes('select') && !(await write.can(look)))
      wrong.push(`read ${table.name} to write`)
    if (allowed.includes('insert') && !(await write.can(insertNothing(table)))) {
      wrong.push(`insert into ${table.name}`)
    }
  }
  return judged(
    'leases to read and to write open sessions that can do what the manifest allows',
    wrong,
  )
}

/** In one snapshot the tenant's login and the administrator count the same, and nothing of another key. */
export const seesOwnRowsOnly: Smoke = async ({ subject, admin, tables, sessions }) => {
  const wrong: string[] = []
  await admin.query('begin isolation level repeatable read read only')
  const { rows } = await admin.query<{ id: string }>('select pg_export_snapshot() as id')
  const snapshot = literal(rows[0]?.id ?? '')
  const own = sessions.export.client
  await own.query('begin isolation level repeatable read read only')
  await own.query(`set transaction snapshot ${snapshot}`)
  let seen = 0
  for (const { name, qualified, tenantColumn } of tables) {
    const count = `select count(*)::int as all, count(*) filter (where ${ident(tenantColumn)} = ${literal(subject.key)})::int as own from ${qualified}`
    const [mine, known] = [await own.query(count), await admin.query(count)]
    const visible = Number(mine.rows[0]?.['all'])
    seen += visible
    if (visible !== Number(mine.rows[0]?.['own'])) wrong.push(`rows of another key in ${name}`)
    if (visible !== Number(known.rows[0]?.['own'])) {
      wrong.push(`${visible} rows of ${name}, where the administrator counts another number`)
    }
  }
  await own.query('rollback')
  await admin.query('rollback')
  return judged(`${seen} rows of ${tables.length} tables in sight, all its own`, wrong)
}

/** A lease to read writes nothing, and one to write gives no row away. */
export const writesNoMore: Smoke = async (visit) => {
  const { read, write } = visit.sessions
  const wrong: string[] = []
  for (const table of visit.tables) {
    const column = ident(table.tenantColumn)
    const giveAway = `update ${table.qualified} set ${column} = ${column} where false`
    if (await read.can(insertNothing(table))) wrong.push(`a reader inserts into ${table.name}`)
    if (await read.can(giveAway)) wrong.push(`a reader updates ${table.name}`)
    if (await write.can(giveAway)) wrong.push(`a row of ${table.name} is given away`)
    if (await write.can(`truncate ${table.qualified}`)) wrong.push(`${table.name} is emptied`)
  }
  return judged('a lease to read writes nothing, and one to write gives no row away', wrong)
}

/** No statement makes the login another role. */
export const staysItself: Smoke = async ({ subject, sessions }) => {
  const { names, cluster } = subject.site
  const { write, read } = sessions
  const roles = [
    names.owner,
    names.definer,
    names.custodian,
    names.groups.export,
    cluster.admin.user,
    'pg_read_all_data',
  ]
  const wrong: string[] = []
  for (const role of roles) {
    const ways = [
      `set local role ${ident(role)}`,
      `set local session authorization ${ident(role)}`,
      `grant ${ident(role)} to current_user`,
    ]
    for (const way of ways) if (await write.can(way)) wrong.push(`became ${role}`)
  }
  if (await read.can(`set local role ${ident(names.groups.write)}`))
    wrong.push('a reader became a writer')
  if (await write.can('alter role current_user bypassrls')) wrong.push('exempt from row security')
  return judged(`${roles.length} roles that it did not become`, wrong)
}

/** Row security stays on, and as it is. */
export const keepsRowSecurity: Smoke = async ({ subject, tables, sessions }) => {
  const { write } = sessions
  const wrong: string[] = []
  for (const { name, qualified, tenantColumn } of tables) {
    const foreign = `select count(*) from ${qualified} where ${ident(tenantColumn)} <> ${literal(subject.key)}`
    const seen = (await write.number('set local row_security = off', foreign)) ?? 0
    if (seen > 0) wrong.push(`rows of another key in ${name}`)
    const ways = [
      `alter table ${qualified} disable row level security`,
      `alter table ${qualified} no force row level security`,
      `drop policy ringfence_guard on ${qualified}`,
      `create policy rf_smoke on ${qualified} using (true)`,
    ]
    for (const way of ways) if (await write.can(way)) wrong.push(`changed the guard of ${name}`)
  }
  if (await write.can('set local session_replication_role = replica')) wrong.push('triggers off')
  return judged('row security could not be switched off, nor a policy changed', wrong)
}

/** The lease opens no other database of the server. */
export const staysAtHome: Smoke = async ({ subject, admin, sessions }) => {
  const { names, exclusive } = subject.site
  const { login } = sessions.write
  // On a server that others use too, whom their databases let in is theirs to say: inspection
  // reports it, and no tenant of ours can make it otherwise.
  const ours = [names.custodyDatabase, names.pooledDatabase, names.templateDatabase]
  const { rows } = await admin.query<{ datname: string }>(
    `select datname from pg_catalog.pg_database
      where datname <> $1 and datname !~ $2 and ($3 or datname = any ($4))
     union all (select datname from pg_catalog.pg_database where datname <> $1 and datname ~ $2 limit ${OTHERS_MAX})`,
    [subject.database, `^${names.prefix}_[0-9a-f]{32}$`, exclusive, ours],
  )
  const doors = await Promise.all(
    rows.map(async ({ datname }) =>
      (await opensAt({ ...login, database: datname })) ? datname : '',
    ),
  )
  const open = doors.filter((name) => name !== '')
  const wrong = open.map(() => 'another database opened')
  if (!(await opensAt(login))) wrong.push('its own database did not open')
  return judged(`${rows.length} other databases that did not open`, wrong)
}

/** A revoked lease opens nothing and its session is gone, while another one of the tenant's goes on. */
export const endsWhenRevoked: Smoke = async ({ subject, sessions }) => {
  const { read, write } = sessions
  await subject.site.custodian.end(subject.tenant, write.lease, 'smoke over')
  const wrong: string[] = []
  if (await opensAt(write.login)) wrong.push('the lease still opens')
  if (await isAlive(write)) wrong.push('its session goes on')
  if (!(await isAlive(read))) wrong.push('another lease ended with it')
  return judged('a revoked lease opened nothing, and its session was gone', wrong)
}

async function isAlive({ client }: SmokeSession): Promise<boolean> {
  return client.query('select 1').then(
    () => true,
    () => false,
  )
}

/** The catalog of its place says the same. */
export const looksClosed: Smoke = async ({ subject }) => {
  const { site, database, key, tier } = subject
  const visitors = { pooled: tier !== 'bridge', keys: tier === 'pooled' ? [] : [key] }
  const findings = await inspectDatabase(site, database, {}, visitors)
  const critical = findings.filter(({ severity }) => severity === 'critical')
  return judged(
    'the catalog of its place shows nothing that opens the boundary',
    critical.map(({ rule, object }) => `${rule} on ${object}`),
  )
}
