import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { wide } from '../inspect/rule-trials.test-support.ts'
import { inspectDatabase } from '../inspect/inspect.ts'
import { GROUND } from '../rehearsal/ground.ts'
import { startTestSite, type TestSite } from '../test-site.test-support.ts'

let site: TestSite
let admin: pg.Client

before(async () => {
  site = await startTestSite({ application: GROUND })
  admin = await site.admin()
})
after(() => site.stop())

/** Runs statements one by one in a transaction that is given up, and tells how the last one ended. */
async function attempt(
  role: string | undefined,
  sql: string,
): Promise<pg.DatabaseError | undefined> {
  await admin.query('begin')
  try {
    if (role !== undefined) await admin.query(`set local role ${role}`)
    for (const statement of sql.split(/;\n/)) await admin.query(statement)
    return undefined
  } catch (error) {
    if (error instanceof pg.DatabaseError) return error
    throw error
  } finally {
    await admin.query('rollback')
  }
}

const NEW = 'create table ground.later (tenant_id uuid, id uuid'

/** What an owner's migration might do, and which rule it meets. */
const UNSAFE: Readonly<Record<string, string>> = {
  'alter table ground.note disable row level security': 'pg-rls-off',
  'alter table ground.event_rest disable row level security': 'pg-rls-off',
  'alter table ground.note no force row level security': 'pg-rls-not-forced',
  'drop policy ringfence_guard on ground.note': 'pg-guard-missing',
  'alter policy ringfence_guard on ground.note using (true)': 'pg-guard-missing',
  'alter policy ringfence_guard on ground.note to rf_read': 'pg-guard-missing',
  'create policy mine on ground.note to rf_read using (true)': 'pg-policy-names-role',
  'alter table ground.note alter tenant_id drop default': 'pg-tenant-default',
  'alter table ground.note_history alter tenant_id drop not null': 'pg-tenant-column-nullable',
  'alter table ground.note rename tenant_id to owner_id': 'pg-',
  'alter table ground.note drop tenant_id cascade': 'pg-',
  [`${NEW}, primary key (id))`]: 'pg-unique-without-tenant',
  [`${NEW}, unique (id, tenant_id))`]: 'pg-unique-without-tenant',
  [`${NEW}, room int, exclude using btree (room with =))`]: 'pg-exclusion-without-tenant',
  [`${NEW});\ncreate index on ground.later (id)`]: 'pg-index-without-tenant',
  [`${NEW}, note_id uuid, foreign key (id, note_id) references ground.note (tenant_id, id))`]:
    'pg-foreign-key-without-tenant',
  'create table ground.odd (tenant_id text)': 'pg-tenant-column-type',
  'grant all on ground.note to rf_write': 'pg-excess-privilege',
  'grant update on ground.note to rf_write': 'pg-excess-privilege',
  'grant select on ground.note to rf_read': 'pg-table-wide-privilege',
  'grant update (tenant_id) on ground.note to rf_write': 'pg-tenant-column-writable',
  'grant select (title) on ground.note to public': 'pg-public-privilege',
  'grant select (title) on ground.note to rf_read with grant option': 'pg-grant-option',
  'grant select (payload) on ground.event_2026 to rf_read': 'pg-partition-reachable',
  'grant insert (code) on ground.code to rf_write': 'pg-shared-table-writable',
  'grant usage on sequence ground.note_number_seq to rf_write': 'pg-sequence-reachable',
  'create table ground.plain (id int);\ngrant select (id) on ground.plain to rf_read':
    'pg-tenant-column-missing',
  'create view ground.v as select 1 as one;\ngrant select on ground.v to rf_read':
    'pg-view-runs-as-owner',
  'alter view ground.open_note set (security_invoker = false)': 'pg-view-runs-as-owner',
  'grant insert on ground.open_note to rf_write': 'pg-view-writable',
  'create materialized view ground.m as select 1 as one;\ngrant select on ground.m to rf_read':
    'pg-unfilterable-relation',
  'create rule r as on insert to ground.booking do also delete from ground.code': 'pg-rewrite-rule',
  'alter table ground.code add tenant_id uuid': 'pg-shared-has-tenant-column',
  'alter default privileges in schema ground grant select on tables to rf_read':
    'pg-default-privilege',
  'alter default privileges grant select on tables to public': 'pg-default-privilege',
  'alter default privileges for role rf_owner grant all on sequences to rf_write with grant option':
    'pg-default-privilege',
  'alter default privileges in schema ground grant execute on functions to public':
    'pg-default-privilege',
  'alter default privileges grant usage on schemas to rf_read': 'pg-default-privilege',
  'alter default privileges grant usage on types to rf_export': 'pg-default-privilege',
  "create function ground.f() returns int language sql security definer as 'select 1'":
    'pg-definer-search-path',
  "create function ground.f() returns int language sql security definer set search_path = pg_catalog, pg_temp as 'select 1';\ngrant execute on function ground.f() to rf_read":
    'pg-definer-function',
}

/** What an ordinary migration does. */
const SAFE: readonly string[] = [
  NEW +
    ', note_id uuid, primary key (tenant_id, id), foreign key (tenant_id, note_id) references ground.note (tenant_id, id))',
  'create table ground.plain (id int primary key)',
  'alter table ground.note add note_color text',
  'alter table ground.note rename body to text',
  'alter table ground.note rename to remark',
  'alter table ground.booking alter room type bigint',
  'create index on ground.note (tenant_id, body)',
  'create policy open_only on ground.note as restrictive using (state <> $$closed$$)',
  'create policy wide on ground.note using (true)',
  'create view ground.v with (security_invoker) as select title from ground.note',
  "create function ground.f() returns int language sql as 'select 1'",
  'drop table ground.reply',
  'drop view ground.open_note',
  'comment on table ground.note is $$notes$$',
  'truncate ground.note cascade',
]

for (const role of ['rf_owner', undefined]) {
  const who = role === undefined ? 'the superuser' : 'the owner'
  for (const [sql, rule] of Object.entries(UNSAFE)) {
    test(`${who} is refused: ${sql.replaceAll('\n', ' ')}`, async () => {
      const error = await attempt(role, sql)
      assert.ok(error, 'it was let through')
      assert.equal(error.code, '42501')
      assert.match(error.message, /^ringfence refuses this: /)
      assert.ok(error.message.includes(rule), error.message)
      assert.ok((error.hint ?? '').length > 10)
    })
  }
  for (const sql of SAFE) {
    test(`${who} may: ${sql}`, async () => {
      assert.equal((await attempt(role, sql))?.message, undefined)
    })
  }
}

/** Name and protection of every table that `sql` makes, as the owner. */
async function made(sql: string): Promise<readonly unknown[]> {
  await admin.query('begin')
  try {
    await admin.query('set local role rf_owner')
    for (const statement of sql.split(/;\n/)) await admin.query(statement)
    await admin.query('reset role')
    const { rows } = await admin.query(
      `select c.relname, c.relrowsecurity and c.relforcerowsecurity as secured,
         (select count(*)::int from pg_policy p where p.polrelid = c.oid) as policies
       from pg_class c where c.relnamespace = 'ground'::regnamespace and c.relname like 'new%'
         and c.relkind in ('r', 'p') order by 1`,
    )
    return rows.map(Object.values)
  } finally {
    await admin.query('rollback')
  }
}

for (const [what, sql, ...tables] of [
  ['a new table', 'create table ground.new_a (tenant_id uuid, id int)', 'new_a'],
  ['a copy of a table', 'create table ground.new_a (like ground.note including all)', 'new_a'],
  [
    'a table made from a query',
    'create table ground.new_a as select tenant_id, title from ground.note limit 0',
    'new_a',
  ],
  [
    'a table made by SELECT INTO',
    'select tenant_id, title into ground.new_a from ground.note limit 0',
    'new_a',
  ],
  [
    'a new partition',
    `create table ground.new_p (tenant_id uuid, day date) partition by range (day);
create table ground.new_p1 partition of ground.new_p for values from ('2026-01-01') to ('2026-02-01')`,
    'new_p',
    'new_p1',
  ],
  [
    'an attached partition',
    `create table ground.new_p (tenant_id uuid, day date) partition by range (day);
create table ground.new_q (tenant_id uuid, day date);
alter table ground.new_p attach partition ground.new_q default`,
    'new_p',
    'new_q',
  ],
  [
    'an inheriting table',
    'create table ground.new_child (extra int) inherits (ground.note)',
    'new_child',
  ],
  [
    'a table that gets the tenant column later',
    'create table ground.new_a (id int);\nalter table ground.new_a add tenant_id uuid',
    'new_a',
  ],
] as const) {
  test(`${what} is protected without anyone asking`, async () => {
    assert.deepEqual(
      await made(sql),
      tables.map((name) => [name, true, 2]),
    )
  })
}

test('a temporary table is nobody\u2019s business', async () => {
  await admin.query('create temporary table scratch (tenant_id uuid unique)')
  await admin.query('drop table scratch')
})

test('nothing of all this is left, and the state is clean', async () => {
  assert.deepEqual(wide(await inspectDatabase(site.site, site.names.pooledDatabase)), [])
})
