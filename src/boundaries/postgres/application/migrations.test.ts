import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { RingfenceError } from '../../../core/errors.ts'
import { installDatabase } from '../install/install.ts'
import type { Application } from '../manifest.ts'
import { migration, NOTES, startTestSite, type TestSite } from '../test-site.test-support.ts'

const TABLE = (name: string) => `create table ${name} (tenant_id uuid not null, id int not null,
  primary key (tenant_id, id));`

let place: TestSite
let admin: pg.Client
let counter = 0

before(async () => {
  place = await startTestSite()
  await installDatabase(place.cluster.admin, place.names, 'trial', application())
  admin = await place.admin('trial')
})
after(() => place?.stop())

/** An application of its own schema, with these migrations. */
function application(...sql: readonly string[]): Application {
  counter += 1
  const name = `app${counter}`
  const migrations = sql.map((text, index) => migration(`000${index + 1}`, text))
  return { ...NOTES, name, schema: name, tables: {}, migrations }
}

const install = (app: Application) =>
  installDatabase(place.cluster.admin, place.names, 'trial', app)

async function refused(app: Application): Promise<string> {
  let message = ''
  await assert.rejects(install(app), (error: unknown) => {
    assert.ok(error instanceof RingfenceError, String(error))
    assert.equal(error.code, 'migration_failed')
    message = error.message
    return true
  })
  return message
}

async function relations(app: Application): Promise<readonly string[]> {
  const { rows } = await admin.query<{ name: string }>(
    `select relname || ' of ' || relowner::regrole as name from pg_class
     where relnamespace = to_regnamespace($1) and relkind = 'r' order by 1`,
    [app.schema],
  )
  return rows.map((row) => row.name)
}

async function recorded(app: Application): Promise<readonly string[]> {
  const { rows } = await admin.query<{ name: string }>(
    'select name from rf.migration where application = $1 order by 1',
    [app.name],
  )
  return rows.map((row) => row.name)
}

test('migrations run once, in order, and what they make belongs to the owner', async () => {
  const app = application(TABLE('a'), `${TABLE('b')} alter table b add column a_id int`)
  assert.deepEqual(await install(app), ['0001', '0002'])
  assert.deepEqual(await install(app), [])
  assert.deepEqual(await relations(app), ['a of rf_owner', 'b of rf_owner'])
  const longer = { ...app, migrations: [...app.migrations, migration('0003', TABLE('c'))] }
  assert.deepEqual(await install(longer), ['0003'])
})

test('two processes that migrate at once run each migration once', async () => {
  const app = application(TABLE('a'), TABLE('b'))
  const ran = await Promise.all([install(app), install(app)])
  assert.deepEqual(ran.flat().toSorted(), ['0001', '0002'])
})

test('migrations of several databases of one server at once do not meet', async () => {
  const slow = 'do $$ begin perform count(*) from generate_series(1, 1000000); end $$;'
  const databases = ['trial_one', 'trial_two', 'trial_three']
  for (const database of databases) {
    await installDatabase(place.cluster.admin, place.names, database, application())
  }
  const app = application(`${TABLE('a')} ${slow}`, `${slow} ${TABLE('b')}`)
  const ran = await Promise.all(
    databases.map((database) => installDatabase(place.cluster.admin, place.names, database, app)),
  )
  assert.deepEqual(
    ran,
    [app, app, app].map(({ migrations }) => migrations.map((one) => one.name)),
  )
})

test('a migration reads and checks all tenants’ rows, and nobody else does', async () => {
  const app = application(TABLE('parent'))
  await install(app)
  const { schema } = app
  await admin.query('set session_replication_role = replica')
  await admin.query(
    `insert into ${schema}.parent select gen_random_uuid(), n from generate_series(1, 3) n`,
  )
  await admin.query('reset session_replication_role')
  const migrations = [
    ...app.migrations,
    migration(
      '0002',
      `${TABLE('child')} insert into child select tenant_id, id from parent;
       alter table child add foreign key (tenant_id, id) references parent (tenant_id, id);`,
    ),
  ]
  await install({ ...app, migrations })
  assert.equal((await admin.query(`select from ${schema}.child`)).rowCount, 3)
  const { rows } = await admin.query(`select rolbypassrls from pg_roles where rolname = 'rf_owner'`)
  assert.deepEqual(rows, [{ rolbypassrls: false }])
})

test('a migration that was changed after it was applied is refused', async () => {
  const app = application(TABLE('a'))
  await install(app)
  const migrations = [migration('0001', TABLE('z')), migration('0002', TABLE('b'))]
  assert.match(await refused({ ...app, migrations }), /^0001 has changed since it was applied/)
  assert.deepEqual(await relations(app), ['a of rf_owner'])
})

test('a migration that fails midway leaves nothing, and goes on from there when mended', async () => {
  const app = application(TABLE('a'), `${TABLE('b')} insert into b values (1); ${TABLE('c')}`)
  assert.match(await refused(app), /^0002: /)
  assert.deepEqual(await relations(app), ['a of rf_owner'])
  assert.deepEqual(await recorded(app), ['0001'])
  const [first] = app.migrations
  assert.ok(first)
  assert.deepEqual(await install({ ...app, migrations: [first, migration('0002', TABLE('b'))] }), [
    '0002',
  ])
})

const WAYS_OUT: readonly string[] = [
  'set role postgres',
  'set local role postgres',
  'set session role postgres',
  'set "role" to postgres',
  'set /* a comment */ role postgres',
  'reset role',
  'set session authorization postgres',
  'reset session authorization',
  `select set_config('role', 'postgres', true)`,
  `do $$ begin execute 'set ro' || 'le postgres'; end $$`,
  `create function f() returns void language plpgsql as $$ begin set role postgres; end $$;
   select f()`,
  'commit',
  'end',
  'rollback',
  'begin',
  'savepoint s',
  `prepare transaction 'x'`,
  'do $$ begin commit; end $$',
  `create procedure p() language plpgsql as $$ begin commit; end $$; call p()`,
  'set session_replication_role = replica',
  'set event_triggers = off',
  'alter event trigger ringfence_guard disable',
  'create extension plpgsql_check',
  `copy (select 1) to program 'true'`,
  `select pg_read_file('PG_VERSION')`,
  'insert into rf.migration values (1, 2, 3)',
  `select rf.run_migration('set role postgres', '')`,
]

for (const way of WAYS_OUT) {
  const title = way.replaceAll(/\s+/g, ' ')
  test(`a migration cannot leave its role or its transaction by: ${title}`, async () => {
    const app = application(`${TABLE('first')} ${way}; ${TABLE('last')}`)
    const message = await refused(app)
    assert.match(message, /^0001: /)
    assert.ok(!message.includes('\n'))
    assert.deepEqual(await relations(app), [])
    assert.deepEqual(await recorded(app), [])
  })
}

test('what a migration sets and makes does not reach what runs as the superuser after it', async () => {
  const trap = (signature: string, returns: string) =>
    `create function ${signature} returns ${returns} language plpgsql as $$
     begin create table trapped (tenant_id uuid, id int, primary key (tenant_id, id)); end $$;`
  const first = application()
  const app = {
    ...first,
    migrations: [
      migration(
        '0001',
        `set search_path = ${first.schema}, pg_catalog;
         ${trap('pg_advisory_unlock(bigint)', 'boolean')} ${trap('now()', 'timestamptz')}
         ${trap('current_setting(text)', 'text')} ${trap('to_regnamespace(text)', 'regnamespace')}
         create function alike(text, text) returns boolean language plpgsql as $$
           begin return $1 operator(pg_catalog.=) $2; end $$;
         create operator = (leftarg = text, rightarg = text, function = alike);`,
      ),
      migration('0002', TABLE('plain')),
    ],
  }
  await install(app)
  assert.deepEqual(await relations(app), ['plain of rf_owner'])
})

test('DDL that would open the boundary is refused with what to do instead', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [`create table t (tenant_id uuid not null, id int primary key)`, /first column of every/],
    [`${TABLE('t')} alter table t disable row level security`, /keep ROW LEVEL SECURITY enabled/],
    [`${TABLE('t')} alter table t no force row level security`, /FORCE ROW LEVEL SECURITY/],
    [`${TABLE('t')} grant delete on t to rf_write`, /rf_delete/],
    [`${TABLE('t')} grant select on t to public`, /never to PUBLIC|named columns/],
    [`${TABLE('t')} drop policy ringfence_guard on t`, /ringfence_guard/],
  ]
  for (const [sql, advice] of cases) {
    const app = application(sql)
    assert.match(await refused(app), advice, sql)
    assert.deepEqual(await relations(app), [])
  }
})
