import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import type { Application } from './manifest.ts'
import { migration, startTestSite, tenant, type TestSite } from './test-site.test-support.ts'

/** Everything of a tenant's that erasing must find: children, partitions, history, closed tables. */
const DIARY: Application = {
  name: 'diary',
  schema: 'diary',
  tenantColumn: 'tenant_id',
  tables: {
    entry: { allow: ['select', 'insert', 'update'], hidden: [], sample: {} },
    remark: { allow: ['select', 'insert'], hidden: [], sample: {} },
    day: { allow: ['select', 'insert'], hidden: [], sample: {} },
  },
  shared: ['mood'],
  views: [],
  functions: [],
  migrations: [
    migration(
      '1',
      `create table mood (name text primary key);
       insert into mood values ('a mood that everybody may have');
       create table entry (tenant_id uuid not null, id int not null, body text not null, facts jsonb,
         tags text[], mood text references mood, primary key (tenant_id, id));
       create statistics entry_pairs (mcv) on body, mood from entry;
       create index entry_by_upper on entry (tenant_id, upper(body));
       create table remark (tenant_id uuid not null, id int not null, entry_id int not null, body text,
         primary key (tenant_id, id), foreign key (tenant_id, entry_id) references entry (tenant_id, id));
       create table day (tenant_id uuid not null, at date not null, body text, primary key (tenant_id, at))
         partition by range (at);
       create table day_2026 partition of day for values from ('2026-01-01') to ('2027-01-01');
       create table day_rest partition of day default;
       create table history (tenant_id uuid not null, image jsonb not null);
       create function remember() returns trigger language plpgsql security definer
         set search_path = pg_catalog, pg_temp as $$
       begin
         insert into diary.history values (coalesce(new.tenant_id, old.tenant_id), to_jsonb(coalesce(new, old)));
         return null;
       end $$;
       create trigger remembered after insert or delete on entry for each row execute function remember();`,
    ),
  ],
  sha256: '0'.repeat(64),
}

const SECRET = 'the only sentence of its kind in the world'

let place: TestSite
let admin: pg.Client

before(async () => {
  place = await startTestSite({ application: DIARY })
  admin = await place.admin()
})
after(() => place?.stop())

/** A tenant with a row in every table. */
async function fill(id: string, secret = SECRET): Promise<void> {
  await place.provision(id)
  const client = await place.login(id)
  await client.query(
    `insert into diary.entry (id, body, facts, tags, mood) select n, $1, jsonb_build_object('a "quoted" fact', $1::text),
       array[$1], 'a mood that everybody may have' from generate_series(1, 50) n`,
    [secret],
  )
  await client.query('insert into diary.remark (id, entry_id, body) values (1, 1, $1)', [secret])
  await client.query(
    `insert into diary.day (at, body) values ('2026-05-05', $1), ('2030-01-01', $1)`,
    [secret],
  )
  await client.end()
}

const erase = async (id: string) => {
  const { deleted, probes } = await place.boundary.erase(tenant(id))
  return {
    deleted: Object.fromEntries(deleted.map(({ item, count }) => [item, count])),
    found: Object.fromEntries(
      probes.filter(({ found }) => found > 0).map(({ place, found }) => [place, found]),
    ),
  }
}

test('every row goes: of parents and children, partitions, and tables that no tenant may see', async () => {
  await fill('acme')
  await fill('other', 'another sentence altogether')
  const before = await admin.query('select count(*) from diary.entry')
  const { deleted, found } = await erase('acme')
  assert.deepEqual(deleted, { day: 2, entry: 50, history: 50, remark: 1, logins: 1 })
  assert.deepEqual(found, {})
  assert.equal(before.rows[0].count, '100')
  for (const [table, count] of Object.entries({ entry: 50, history: 50, remark: 1, day: 2 })) {
    const { rows } = await admin.query(`select count(*)::int as n from diary.${table}`)
    assert.equal(rows[0].n, count, table)
  }
  assert.equal((await admin.query('select from diary.mood')).rowCount, 1)
  await erase('other')
})

test('the last tenant’s values do not stay behind in statistics of tables that are empty now', async () => {
  await fill('acme')
  await admin.query('analyze')
  const quoted = `select count(*)::int as n from pg_stats where most_common_vals::text like '%only sentence%'`
  assert.ok((await admin.query(quoted)).rows[0].n > 2)
  assert.deepEqual((await erase('acme')).found, {})
  assert.equal((await admin.query(quoted)).rows[0].n, 0)
})

/** Copies that erasing does not know of, and where the probes then find them. */
const COPIES: Readonly<
  Record<string, { plant: string; places: readonly string[]; clear: string }>
> = {
  'a closed table without a tenant column': {
    plant: 'create table diary.copy as select body as text from diary.entry limit 3',
    places: ['diary.copy'],
    clear: 'drop table diary.copy',
  },
  'a table of another schema that holds the key': {
    plant:
      'create schema reports; create table reports.of as select tenant_id as who from diary.remark',
    places: ['reports.of'],
    clear: 'drop schema reports cascade',
  },
  'a materialized view': {
    plant: 'create materialized view diary.seen as select body from diary.remark',
    places: ['diary.seen'],
    clear: 'drop materialized view diary.seen',
  },
  'a longer text around it, in JSON': {
    plant: `create table diary.log as select jsonb_build_object('at', now(), 'said', 'so: ' || body) as line from diary.remark`,
    places: ['diary.log'],
    clear: 'drop table diary.log',
  },
  'a large object': {
    plant: `select lo_from_bytea(4711, convert_to('before ' || body || ' after', 'UTF8')) from diary.remark`,
    places: ['large objects'],
    clear: 'select lo_unlink(4711)',
  },
  'statistics of a table that is empty': {
    plant: `create table diary.was as select body as text, array[body] as texts from diary.entry;
      analyze diary.was; delete from diary.was`,
    places: ['planner statistics'],
    clear: 'drop table diary.was',
  },
  'extended statistics of such a table': {
    plant: `create table diary.was as select body as text, mood from diary.entry;
      create statistics diary.was_pairs (mcv) on text, mood from diary.was;
      analyze diary.was; delete from pg_statistic where starelid = 'diary.was'::regclass; delete from diary.was`,
    places: ['extended planner statistics'],
    clear: 'drop table diary.was',
  },
}

for (const [what, { plant, places, clear }] of Object.entries(COPIES)) {
  test(`a copy in ${what} is found`, async () => {
    await fill('acme')
    await admin.query('set session_replication_role = replica')
    await admin.query(plant)
    try {
      const { found } = await erase('acme')
      assert.deepEqual(Object.keys(found), places)
    } finally {
      await admin.query(clear)
      await admin.query('reset session_replication_role')
    }
  })
}

test('what two tenants have in common is not taken for a rest of the one', async () => {
  await fill('acme')
  await fill('other')
  assert.deepEqual((await erase('acme')).found, {})
  await erase('other')
})

test('a key is never used for a second tenant, and its logins are gone', async () => {
  const { key } = await place.provision('acme')
  await place.login('acme')
  await place.login('acme', 'read')
  assert.equal((await erase('acme')).deleted['logins'], 2)
  const { rowCount } = await admin.query('select from pg_roles where rolname like $1', [
    `%${key.replaceAll('-', '')}%`,
  ])
  assert.equal(rowCount, 0)
  const ledger = await place.admin(place.names.custodyDatabase)
  await assert.rejects(
    ledger.query(`select custody.reserve_tenant('x', $1, 'pooled', 'r', 'd')`, [key]),
    /never used twice/,
  )
})

test('nothing that a tenant does to its own logins keeps it from being erased', async () => {
  await place.provision('acme')
  const client = await place.login('acme')
  const { rows } = await client.query('select session_user::text as me')
  const me = String(rows[0].me)
  for (const sql of [
    `alter role ${me} set search_path = nowhere`,
    `alter role ${me} in database diary set search_path = nowhere`,
    `alter default privileges grant select on tables to ${me}`,
    `alter default privileges grant execute on functions to rf_owner`,
    `alter default privileges revoke execute on functions from public`,
    `grant ${me} to rf_owner`,
    `grant select on diary.entry to ${me}`,
    `create schema mine`,
    `comment on role ${me} is 'mine'`,
    `security label on role ${me} is 'mine'`,
    `select lo_create(1)`,
    `create publication p`,
  ]) {
    await client.query(sql).catch(() => {})
  }
  // By hand, what no tenant may do itself.
  await admin.query('set session_replication_role = replica')
  await admin.query(`grant select on diary.mood to ${me}; alter default privileges for role ${me}
    grant select on tables to rf_owner`)
  await admin.query('reset session_replication_role')
  assert.deepEqual(await erase('acme'), {
    deleted: { day: 0, entry: 0, history: 0, remark: 0, logins: 1 },
    found: {},
  })
})

test('drift elsewhere in the database does not keep a tenant from being erased', async () => {
  await fill('acme')
  await admin.query('set session_replication_role = replica')
  await admin.query('alter table diary.remark disable row level security')
  await admin.query('reset session_replication_role')
  assert.equal((await erase('acme')).deleted['remark'], 1)
})
