import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import type pg from 'pg'
import { RingfenceError } from '../../../core/errors.ts'
import { inspectCluster } from '../inspect/inspect.ts'
import type { Application } from '../manifest.ts'
import { namesFor, type Names } from '../names.ts'
import { Site, type SiteOptions } from '../site.ts'
import {
  CUSTODIAN_PASSWORD,
  NOTES,
  startTestSite,
  tenant,
  tenantOf,
  type TestSite,
} from '../test-site.test-support.ts'

let place: TestSite
let admin: pg.Client

before(async () => {
  place = await startTestSite({ bridges: true })
  admin = await place.admin('postgres')
})
after(() => place?.stop())

const options = (names: Names, given: Partial<SiteOptions> = {}): SiteOptions => ({
  cluster: place.cluster,
  names,
  application: NOTES,
  custodianPassword: CUSTODIAN_PASSWORD,
  exclusive: true,
  bridges: true,
  ...given,
})

/** Roles, databases and their rights, as far as an installation makes them. */
async function state(): Promise<unknown> {
  const { rows: roles } = await admin.query(
    `select rolname, rolcanlogin, rolsuper, rolconnlimit, array(select g.rolname::text from pg_auth_members m
       join pg_roles g on g.oid = m.roleid where m.member = r.oid order by 1) as groups
     from pg_roles r where rolname !~ '^pg_' order by 1`,
  )
  const { rows: databases } = await admin.query(
    'select datname, datallowconn, datacl::text from pg_database order by 1',
  )
  return { roles, databases }
}

async function mayConnect(role: string): Promise<readonly string[]> {
  const { rows } = await admin.query<{ datname: string }>(
    `select datname from pg_database where datallowconn and has_database_privilege($1, oid, 'connect') order by 1`,
    [role],
  )
  return rows.map((row) => row.datname)
}

test('of the installation’s roles only the custodian can log in, and none is more than a plain one', async () => {
  const { rows } = await admin.query<Record<string, unknown>>(
    `select * from pg_roles where rolname ~ '^rf_' and rolname <> 'rf_admin' order by rolname`,
  )
  const who = rows.filter((role) => role['rolcanlogin'] === true).map((role) => role['rolname'])
  assert.deepEqual(who, ['rf_custodian'])
  for (const role of rows) {
    for (const right of ['super', 'createrole', 'createdb', 'replication', 'bypassrls']) {
      assert.equal(role[`rol${right}`], false, `${String(role['rolname'])} ${right}`)
    }
  }
})

test('each role connects to its own database and to nothing else on the server', async () => {
  assert.deepEqual(await mayConnect('rf_custodian'), ['rf_custody'])
  for (const scope of ['read', 'write', 'export']) {
    assert.deepEqual(await mayConnect(`rf_${scope}`), [])
    assert.deepEqual(await mayConnect(`rf_pooled_${scope}`), ['notes'])
  }
  assert.deepEqual(await mayConnect('rf_owner'), [])
  await admin.query('create role stranger login')
  assert.deepEqual(await mayConnect('stranger'), [])
})

test('a server that is somebody else’s too keeps its other databases as they are', async () => {
  await admin.query('grant connect on database template1 to public')
  const names = namesFor('rfx1', 'notes')
  const site = await Site.open(options(names, { exclusive: false, bridges: false }))
  await site.close()
  assert.deepEqual(await mayConnect('stranger'), ['template1'])
  await admin.query('revoke connect on database template1 from public')
})

test('installing again changes nothing, but for the custodian’s password', async () => {
  const before = await state()
  for (const custodianPassword of ['another-custodian-of-this-test', CUSTODIAN_PASSWORD]) {
    const site = await Site.open(options(place.names, { custodianPassword }))
    assert.deepEqual(await state(), before)
    assert.equal(await site.custodian.find(tenant('nobody')), undefined)
    await site.close()
  }
})

test('a ledger of an earlier release is brought up to date, and its tenants stay', async () => {
  const names = namesFor('rfx3', 'notes')
  await (await Site.open(options(names))).close()
  const ledger = await place.admin(names.custodyDatabase)
  const key = '00000000-0000-4000-8000-000000000003'
  await ledger.query(`drop table custody.move;
    alter table custody.tenant drop away, drop writes_held_until, drop held_until;
    create or replace function custody.leases(p_tenant text) returns setof custody.lease language sql
      stable security definer set search_path = pg_catalog, pg_temp as $$ select l.* from custody.lease l limit 0 $$;
    insert into custody.tenant (tenant_id, key, tier, region, database, status)
      values ('old', '${key}', 'silo', 'eu-west', '${names.pooledDatabase}', 'active')`)
  const site = await Site.open(options(names, { bridges: true }))
  assert.equal((await site.custodian.find(tenant('old')))?.key, key)
  assert.deepEqual(
    (await inspectCluster(site)).filter(({ rule }) => /custody/.test(rule)),
    [],
  )
  const { rows } = await ledger.query('select away from custody.tenant')
  assert.deepEqual(rows, [{ away: true }])
  await site.close()
})

test('two processes that install at once on a new server both find it installed', async () => {
  const names = namesFor('rfx2', 'notes')
  const sites = await Promise.all([Site.open(options(names)), Site.open(options(names))])
  for (const [index, site] of sites.entries()) {
    const made = tenantOf(`t${index}`, 'pooled')
    await site.reserve(made)
    await site.activate(made.id)
    assert.equal((await site.custodian.find(made.id))?.status, 'active')
    await site.close()
  }
})

test('a bridge tenant’s database gets the migrations that came after it', async () => {
  await place.provision('old', 'bridge')
  const more = {
    name: '2',
    sha256: '2',
    sql: 'create table extra (tenant_id uuid not null, id int not null, primary key (tenant_id, id))',
  }
  const application: Application = {
    ...NOTES,
    tables: { ...NOTES.tables, extra: { allow: ['select'], hidden: [], sample: {} } },
    migrations: [...NOTES.migrations, more],
  }
  const site = await Site.open(options(place.names, { application }))
  await site.close()
  for (const id of ['old', 'new']) {
    await place.provision(id, 'bridge')
    const found = await place.boundary.find(tenant(id))
    assert.ok(found)
    const own = await place.connect(place.site.admin(found.database))
    const { rowCount } = await own.query(
      `select 1 where has_column_privilege('rf_read', 'notes.extra', 'id', 'select')`,
    )
    assert.equal(rowCount, 1, id)
  }
})

test('what the server refuses is an error with a code and no secret', async () => {
  const cluster = {
    ...place.cluster,
    admin: { ...place.cluster.admin, password: 'planted-password-of-nobody' },
  }
  await assert.rejects(Site.open(options(place.names, { cluster })), (error: unknown) => {
    assert.ok(error instanceof RingfenceError)
    assert.equal(error.code, 'engine_unavailable')
    assert.ok(!inspect(error, { depth: 9 }).includes('planted-password'))
    return true
  })
  const application: Application = {
    ...NOTES,
    tables: { nothing: { allow: ['select'], hidden: [], sample: {} } },
  }
  await assert.rejects(Site.open(options(place.names, { application })), {
    name: 'RingfenceError',
    code: 'invalid_manifest',
  })
})
