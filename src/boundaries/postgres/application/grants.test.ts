import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { RingfenceError } from '../../../core/errors.ts'
import { installDatabase } from '../install/install.ts'
import type { Application, TableRights } from '../manifest.ts'
import { migration, startTestSite, tenant, type TestSite } from '../test-site.test-support.ts'

const rights = (
  allow: TableRights['allow'],
  hidden: readonly string[] = [],
  more: Partial<TableRights> = {},
): TableRights => ({ allow, hidden: [...hidden], sample: {}, ...more })

const SHOP: Application = {
  name: 'shop',
  schema: 'shop',
  tenantColumn: 'tenant_id',
  tables: {
    sale: rights(['select', 'insert', 'update', 'delete'], ['margin']),
    ledger: rights(['select']),
    visit: rights(['insert']),
    branch: rights(['select', 'update'], [], { tenantColumn: 'owner_id' }),
  },
  shared: ['country'],
  views: ['big_sale'],
  functions: ['shop.double(integer)'],
  migrations: [
    migration(
      '1',
      `create table sale (tenant_id uuid not null, id int not null, number bigint generated always as identity,
         amount int not null, margin int, twice int generated always as (amount * 2) stored,
         primary key (tenant_id, id));
       create table ledger (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
       create table visit (tenant_id uuid not null, at date not null, primary key (tenant_id, at))
         partition by range (at);
       create table visit_rest partition of visit default;
       create table branch (owner_id uuid not null, name text not null, primary key (owner_id, name));
       create table closed (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
       create table country (code text primary key);
       create table unnamed (code text primary key);
       create view big_sale as select tenant_id, id, amount from sale where amount > 100;
       create view unnamed_view as select tenant_id, id from sale;
       create function double(n integer) returns integer language sql as $$ select n * 2 $$;
       create function unnamed_function() returns integer language sql as $$ select 1 $$;`,
    ),
  ],
  sha256: '0'.repeat(64),
}

let place: TestSite
let admin: pg.Client

before(async () => {
  place = await startTestSite({ application: SHOP })
  admin = await place.admin()
  await place.provision('acme')
  await place.provision('other')
})
after(() => place?.stop())

/** Everything that PUBLIC and tenants' groups hold in a schema, one line each. */
async function held(schema: string): Promise<readonly string[]> {
  const { rows } = await admin.query<{ line: string }>(
    `select format('%s %s on %s', coalesce(g.rolname, 'public'), x.privilege, x.object) as line from (
       select c.relname || coalesce('.' || a.attname, '') as object, e.privilege_type as privilege, e.grantee
         from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attacl is not null,
           lateral aclexplode(coalesce(a.attacl, c.relacl)) e
         where c.relnamespace = to_regnamespace($1) and e.grantee <> c.relowner
       union all
       select p.proname || '()', e.privilege_type, e.grantee
         from pg_proc p, lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e
         where (p.pronamespace = to_regnamespace($1) or p.prosrc ~ ('delete from "' || $1 || '"'))
           and e.grantee <> p.proowner
     ) x left join pg_roles g on g.oid = x.grantee where g.rolname is distinct from 'rf_definer' order by 1`,
    [schema],
  )
  return rows.map((row) => row.line)
}

const lines = (who: readonly string[], what: readonly string[]) =>
  who.flatMap((role) => what.map((privilege) => `rf_${role} ${privilege}`))

const columns = (privilege: string, table: string, names: string) =>
  names.split(' ').map((name) => `${privilege} on ${table}.${name}`)

const OPEN = ['read', 'write'] as const
const EVERYONE = ['read', 'write', 'export'] as const

const EXPECTED = [
  ...lines(OPEN, columns('SELECT', 'sale', 'tenant_id id number amount twice')),
  ...lines(['export'], columns('SELECT', 'sale', 'tenant_id id number amount margin twice')),
  ...lines(['write'], columns('INSERT', 'sale', 'tenant_id id amount')),
  ...lines(['write'], columns('UPDATE', 'sale', 'id amount')),
  ...lines(['write'], ['EXECUTE on sale()']),
  ...lines(EVERYONE, columns('SELECT', 'ledger', 'tenant_id id')),
  ...lines(['export'], columns('SELECT', 'visit', 'tenant_id at')),
  ...lines(['write'], columns('INSERT', 'visit', 'tenant_id at')),
  ...lines(EVERYONE, columns('SELECT', 'branch', 'owner_id name')),
  ...lines(['write'], columns('UPDATE', 'branch', 'name')),
  ...lines(['export'], columns('SELECT', 'closed', 'tenant_id id')),
  ...lines(EVERYONE, columns('SELECT', 'country', 'code')),
  ...lines(OPEN, ['SELECT on big_sale', 'EXECUTE on double()']),
]

const install = (application: Application) =>
  installDatabase(place.cluster.admin, place.names, place.names.pooledDatabase, application)

test('tenants hold what the manifest names, column by column, and nothing else', async () => {
  assert.deepEqual(await held('shop'), EXPECTED.toSorted())
})

test('installing the same again changes nothing', async () => {
  await install(SHOP)
  assert.deepEqual(await held('shop'), EXPECTED.toSorted())
})

test('installing the same again waits for no tenant, and no tenant for it', async () => {
  const [acme, other] = [await place.login('acme'), await place.login('other')]
  await acme.query('begin')
  await acme.query('insert into shop.sale (id, amount) values (90, 900)')
  await acme.query('select * from shop.big_sale')
  await acme.query('select * from shop.branch')
  await install(SHOP)
  await other.query('select * from shop.big_sale')
  await acme.query('rollback')
  await place.boundary.revoke(tenant('acme'))
  await place.boundary.revoke(tenant('other'))
})

test('a table that somebody unprotected by hand is protected again', async () => {
  await admin.query('set session_replication_role = replica')
  for (const sql of [
    'alter table shop.sale disable row level security',
    'alter table shop.sale no force row level security',
    'alter table shop.sale alter tenant_id drop default',
    'drop policy ringfence_guard on shop.sale',
    'drop policy ringfence_base on shop.sale',
    'alter policy ringfence_guard on shop.sale to rf_write',
    'alter policy ringfence_guard on shop.sale using (true)',
    'alter policy ringfence_guard on shop.sale with check (true)',
    'alter policy ringfence_base on shop.sale using (false)',
    'alter view shop.big_sale reset (security_invoker)',
  ]) {
    const before = await protection()
    await admin.query(sql).catch((error: unknown) => {
      // PostgreSQL 14 has no such option, and its views are safe by their owner.
      assert.match(sql, /security_invoker/, String(error))
    })
    await install(SHOP)
    assert.deepEqual(await protection(), before, sql)
  }
  await admin.query('reset session_replication_role')
})

async function protection(): Promise<unknown> {
  const { rows } = await admin.query(
    `select c.relname, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, array(
         select concat_ws(' ', p.polname, p.polpermissive, p.polcmd, p.polroles::text,
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) from pg_policy p where p.polrelid = c.oid order by 1) as policies,
       array(select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d where d.adrelid = c.oid order by 1) as defaults
     from pg_class c where c.relnamespace = 'shop'::regnamespace and c.relkind in ('r', 'p', 'v') order by 1`,
  )
  return rows
}

test('a tenant works within its rights, and meets the engine beyond them', async () => {
  const [acme, other] = [await place.login('acme'), await place.login('other')]
  const denied = async (sql: string, code = '42501') =>
    assert.rejects(acme.query(sql), { code }, sql)
  await acme.query('insert into shop.sale (id, amount) values (1, 500), (2, 5)')
  await other.query('insert into shop.sale (id, amount) values (1, 700)')
  const { rows } = await acme.query('select id, amount, twice from shop.sale order by id')
  assert.deepEqual(rows, [
    { id: 1, amount: 500, twice: 1000 },
    { id: 2, amount: 5, twice: 10 },
  ])
  assert.equal((await acme.query('select id from shop.big_sale')).rowCount, 1)
  assert.equal((await acme.query('select shop.double(2) as n')).rows[0].n, 4)
  await acme.query('update shop.sale set amount = 6 where id = 2')
  assert.equal((await acme.query('select rf_delete.sale(2) as n')).rows[0].n, '1')
  assert.equal((await acme.query('select rf_delete.sale(2) as n')).rows[0].n, '0')
  await denied('select margin from shop.sale')
  await denied('select * from shop.sale')
  await denied('update shop.sale set tenant_id = gen_random_uuid()')
  await denied('insert into shop.sale (id, amount, margin) values (3, 1, 1)')
  await denied(
    'insert into shop.sale (id, amount, number) overriding system value values (3, 1, 1)',
  )
  await denied('delete from shop.sale')
  await denied('insert into shop.ledger (id) values (1)')
  await denied('select * from shop.visit')
  await denied('select * from shop.visit_rest')
  await denied('select * from shop.closed')
  await denied('select * from shop.unnamed')
  await denied('select * from shop.unnamed_view')
  await denied('select shop.unnamed_function()')
  await denied('insert into shop.country values (1)')
  assert.equal((await other.query('select id from shop.sale')).rowCount, 1)
})

test('a second application beside the first takes nothing from it, and cannot delete by its names', async () => {
  const beside: Application = {
    ...SHOP,
    name: 'beside',
    schema: 'beside',
    tables: { parcel: rights(['select', 'delete']) },
    shared: [],
    views: [],
    functions: [],
    migrations: [
      migration(
        '1',
        'create table parcel (tenant_id uuid not null, id int not null, primary key (tenant_id, id))',
      ),
    ],
  }
  await install(beside)
  const parcel = [
    ...lines(EVERYONE, columns('SELECT', 'parcel', 'tenant_id id')),
    ...lines(['write'], ['EXECUTE on parcel()']),
  ]
  assert.deepEqual(await held('beside'), parcel.toSorted())
  assert.deepEqual(await held('shop'), EXPECTED.toSorted())
  await install(SHOP)
  assert.deepEqual(await held('beside'), parcel.toSorted())
})

test('a smaller manifest takes rights away', async () => {
  const smaller: Application = {
    ...SHOP,
    tables: { sale: rights(['select'], ['margin', 'amount']) },
    shared: [],
    views: [],
    functions: [],
  }
  await install(smaller)
  const exported = EXPECTED.filter((line) => line.startsWith('rf_export '))
  const kept = [
    ...exported.filter((line) => !/country|branch/.test(line)),
    ...lines(OPEN, columns('SELECT', 'sale', 'tenant_id id number twice')),
  ]
  assert.deepEqual(await held('shop'), kept.toSorted())
  await install(SHOP)
  assert.deepEqual(await held('shop'), EXPECTED.toSorted())
})

test('a manifest that names what is not there is refused, and the rights stay as they were', async () => {
  const cases: readonly (readonly [Partial<Application>, RegExp])[] = [
    [{ tables: { nothing: rights(['select']) } }, /shop\.nothing/],
    [{ tables: { sale: rights(['select'], ['margni']) } }, /no column margni/],
    [{ tables: { sale: rights(['select'], [], { sample: { amuont: 1 } }) } }, /no column amuont/],
    [{ tables: { unnamed: rights(['select']) } }, /no column tenant_id/],
    [{ tables: { big_sale: rights(['select']) } }, /is a view/],
    [{ tables: { visit_rest: rights(['select']) } }, /is a partition/],
    [{ shared: ['nowhere'] }, /shop\.nowhere/],
    [{ views: ['nothing_seen'] }, /shop\.nothing_seen/],
    [{ views: ['sale'] }, /is named under views/],
    [{ functions: ['shop.double(text)'] }, /shop\.double\(text\)/],
    [{ functions: ['pg_catalog.pg_ls_waldir()'] }, /pg_catalog\.pg_ls_waldir/],
  ]
  for (const [change, words] of cases) {
    await assert.rejects(install({ ...SHOP, ...change }), (error: unknown) => {
      assert.ok(error instanceof RingfenceError, String(error))
      assert.equal(error.code, 'invalid_manifest')
      assert.match(error.message, words)
      return true
    })
  }
  assert.deepEqual(await held('shop'), EXPECTED.toSorted())
})

test('a grant made by hand is gone after the next installation', async () => {
  await admin.query('set session_replication_role = replica')
  await admin.query(`grant select, delete on shop.closed to rf_read, public;
    grant update (margin) on shop.sale to rf_write; grant execute on function shop.unnamed_function() to public`)
  await install(SHOP)
  assert.deepEqual(await held('shop'), EXPECTED.toSorted())
})
