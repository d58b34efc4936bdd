import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { GROUND } from '../rehearsal/ground.ts'
import { startTestSite, type TestSite } from '../test-site.test-support.ts'
import { inspectDatabase } from './inspect.ts'
import { type Trial, tryRules } from './rule-trials.test-support.ts'
import { STRUCTURE_RULES } from './structure-rules.ts'

let site: TestSite
let past: pg.Client
let plain: pg.Client

before(async () => {
  site = await startTestSite({ application: GROUND })
  plain = await site.admin()
  past = await site.admin()
  await past.query('set session_replication_role = replica')
})
after(() => site.stop())

const GUARD = 'create policy ringfence_guard on ground.note as'
const SAME = '(tenant_id = (select rf.tenant()))'
const dropGuard = 'drop policy ringfence_guard on ground.note'

const guardTrial = (when: string, sql: string): Trial => ({
  rule: 'pg-guard-missing',
  when,
  sql: `${dropGuard};\n${sql}`,
  object: 'ground.note',
})

const TRIALS: readonly Trial[] = [
  {
    rule: 'pg-rls-off',
    when: 'row security that is disabled',
    sql: 'alter table ground.note disable row level security',
    object: 'ground.note',
  },
  {
    rule: 'pg-rls-off',
    when: 'a partition with row security disabled',
    sql: 'alter table ground.event_rest disable row level security',
    object: 'ground.event_rest',
  },
  {
    rule: 'pg-rls-not-forced',
    when: 'row security that is not forced',
    sql: 'alter table ground.reply no force row level security',
    object: 'ground.reply',
  },
  guardTrial('a guard that is gone', ''),
  guardTrial('a permissive guard', `${GUARD} permissive using ${SAME} with check ${SAME}`),
  guardTrial(
    'a guard with an "or true"',
    `${GUARD} restrictive using (tenant_id = (select rf.tenant()) or true) with check ${SAME}`,
  ),
  guardTrial(
    'a guard that does not check writes',
    `${GUARD} restrictive using ${SAME} with check (true)`,
  ),
  guardTrial('a guard for SELECT alone', `${GUARD} restrictive for select using ${SAME}`),
  guardTrial(
    'a guard for one role',
    `${GUARD} restrictive to rf_write using ${SAME} with check ${SAME}`,
  ),
  guardTrial(
    'a guard by a setting of the session',
    `${GUARD} restrictive using (tenant_id = coalesce(current_setting('app.tenant', true)::uuid, tenant_id)) with check ${SAME}`,
  ),
  guardTrial(
    'a guard with an equality of somebody\u2019s own',
    `create function public.alike(uuid, uuid) returns boolean language sql as 'select true';
create operator public.= (leftarg = uuid, rightarg = uuid, function = public.alike);
${GUARD} restrictive using (tenant_id operator(public.=) (select rf.tenant())) with check ${SAME}`,
  ),
  {
    rule: 'pg-policy-names-role',
    when: 'a policy that names a role',
    sql: 'create policy extra on ground.note to rf_read using (true)',
    object: 'ground.note.extra',
    undo: 'drop policy extra on ground.note',
  },
  {
    rule: 'pg-rewrite-rule',
    when: 'a rewrite rule',
    sql: 'create rule copy as on insert to ground.booking do also delete from ground.code',
    object: 'copy on ground.booking',
  },
  {
    rule: 'pg-tenant-column-missing',
    when: 'a granted table without the tenant column',
    sql: 'create table ground.loose (id int);\ngrant select (id) on ground.loose to rf_read',
    object: 'ground.loose',
    undo: 'drop table ground.loose',
  },
  {
    rule: 'pg-tenant-column-type',
    when: 'a tenant column of another type',
    sql: 'create table ground.odd (tenant_id text)',
    object: 'ground.odd',
    undo: 'drop table ground.odd',
    noFix: true,
  },
  {
    rule: 'pg-tenant-column-nullable',
    when: 'a tenant column that may be null',
    sql: 'alter table ground.note_history alter tenant_id drop not null',
    object: 'ground.note_history',
  },
  {
    rule: 'pg-tenant-default',
    when: 'a tenant column without its default',
    sql: 'alter table ground.note alter tenant_id drop default',
    object: 'ground.note',
  },
  {
    rule: 'pg-tenant-default',
    when: 'a tenant column that names one tenant for all',
    sql: `alter table ground.note alter tenant_id set default '00000000-0000-0000-0000-000000000001'`,
    object: 'ground.note',
  },
  {
    rule: 'pg-shared-has-tenant-column',
    when: 'a shared table with the tenant column',
    sql: 'alter table ground.code add tenant_id uuid',
    object: 'ground.code',
    undo: 'alter table ground.code drop tenant_id',
    noFix: true,
  },
  {
    rule: 'pg-unique-without-tenant',
    when: 'a unique key without the tenant',
    sql: 'create unique index by_title on ground.note (title)',
    object: 'ground.by_title on ground.note',
    undo: 'drop index ground.by_title',
    noFix: true,
  },
  {
    rule: 'pg-unique-without-tenant',
    when: 'a unique key that the tenant does not lead',
    sql: 'create unique index by_title on ground.note (title, tenant_id)',
    object: 'ground.by_title',
    undo: 'drop index ground.by_title',
    noFix: true,
  },
  {
    rule: 'pg-exclusion-without-tenant',
    when: 'an exclusion constraint without the tenant',
    sql: 'alter table ground.booking add constraint anywhere exclude using btree (room with =)',
    object: 'anywhere on ground.booking',
    undo: 'alter table ground.booking drop constraint anywhere',
    noFix: true,
  },
  {
    rule: 'pg-index-without-tenant',
    when: 'an index without the tenant',
    sql: 'create index by_body on ground.note (body)',
    object: 'ground.by_body on ground.note',
  },
  {
    rule: 'pg-foreign-key-without-tenant',
    when: 'a foreign key without the tenant',
    sql: `create unique index by_id on ground.note (id);
alter table ground.reply add constraint to_note foreign key (note_id) references ground.note (id)`,
    object: 'to_note on ground.reply',
    undo: 'alter table ground.reply drop constraint to_note;\ndrop index ground.by_id',
    noFix: true,
  },
  {
    rule: 'pg-foreign-key-without-tenant',
    when: 'a foreign key that crosses the tenant columns',
    sql: `alter table ground.reply add constraint to_note foreign key (note_id, tenant_id) references ground.note (tenant_id, id)`,
    object: 'to_note on ground.reply',
    undo: 'alter table ground.reply drop constraint to_note',
    noFix: true,
  },
  {
    rule: 'pg-shared-foreign-key-action',
    when: 'a shared table that refers to tenants\u2019 rows',
    sql: `alter table ground.code add t uuid, add n uuid;
alter table ground.code add constraint to_note foreign key (t, n) references ground.note (tenant_id, id)`,
    object: 'to_note on ground.code',
    undo: 'alter table ground.code drop t, drop n',
  },
  ...['truncate', 'trigger', 'references', 'delete', 'update'].map(
    (privilege): Trial => ({
      rule: 'pg-excess-privilege',
      when: `${privilege.toUpperCase()} on a whole table`,
      sql: `grant ${privilege} on ground.note to rf_write`,
      object: `ground.note ${privilege.toUpperCase()} to rf_write`,
    }),
  ),
  {
    rule: 'pg-table-wide-privilege',
    when: 'SELECT on a whole table',
    sql: 'grant select on ground.booking to rf_read',
    object: 'ground.booking SELECT to rf_read',
    // Revoking it from the table takes the columns' grants along.
    undo: 'grant select (tenant_id, id, room, purpose) on ground.booking to rf_read',
  },
  {
    rule: 'pg-tenant-column-writable',
    when: 'UPDATE of the tenant column',
    sql: 'grant update (tenant_id) on ground.note to rf_write',
    object: 'ground.note.tenant_id to rf_write',
  },
  {
    rule: 'pg-shared-table-writable',
    when: 'a shared table that tenants write',
    sql: 'grant insert (code, meaning) on ground.code to rf_write',
    object: 'ground.code INSERT to rf_write',
  },
  {
    rule: 'pg-public-privilege',
    when: 'a grant to PUBLIC',
    sql: 'grant select (id) on ground.note_history to public'.replace('(id)', '(at)'),
    object: 'ground.note_history SELECT',
  },
  {
    rule: 'pg-login-granted',
    when: 'a grant to one tenant\u2019s login',
    sql: `create role rf_0123456789abcdef0123456789abcdef_w0;
grant select (room) on ground.booking to rf_0123456789abcdef0123456789abcdef_w0`,
    object: 'ground.booking SELECT to rf_0123456789abcdef0123456789abcdef_w0',
    undo: 'drop role rf_0123456789abcdef0123456789abcdef_w0',
  },
  {
    rule: 'pg-grant-option',
    when: 'a privilege that tenants may hand on',
    sql: 'grant select (room) on ground.booking to rf_read with grant option',
    object: 'ground.booking SELECT to rf_read',
  },
  {
    rule: 'pg-partition-reachable',
    when: 'a partition that is granted by itself',
    sql: 'grant select (payload) on ground.event_2026 to rf_read',
    object: 'ground.event_2026 SELECT to rf_read',
  },
  {
    rule: 'pg-sequence-reachable',
    when: 'a sequence that tenants reach',
    sql: 'grant usage on sequence ground.note_number_seq to rf_write',
    object: 'ground.note_number_seq USAGE to rf_write',
  },
  {
    rule: 'pg-unfilterable-relation',
    when: 'a materialized view that tenants reach',
    sql: 'create materialized view ground.every_note as select * from ground.note;\ngrant select on ground.every_note to rf_read',
    object: 'ground.every_note SELECT to rf_read',
    undo: 'drop materialized view ground.every_note',
  },
  {
    rule: 'pg-view-runs-as-owner',
    when: 'a view that runs as its owner',
    sql: 'alter view ground.open_note reset (security_invoker);\nalter view ground.open_note owner to current_user',
    object: 'ground.open_note',
  },
  {
    rule: 'pg-view-writable',
    when: 'a view that tenants write through',
    sql: 'grant insert on ground.open_note to rf_write',
    object: 'ground.open_note INSERT to rf_write',
  },
  {
    rule: 'pg-default-privilege',
    when: 'default privileges for tenants',
    sql: 'alter default privileges for role rf_owner in schema ground grant select on tables to rf_read',
    object: 'tables in ground by rf_owner to rf_read',
  },
  {
    rule: 'pg-default-privilege',
    when: 'default privileges for PUBLIC',
    sql: 'alter default privileges for role rf_owner grant select on sequences to public',
    object: 'sequences in all schemas by rf_owner to public',
  },
  {
    rule: 'pg-tenant-owns',
    when: 'a table that belongs to tenants',
    sql: 'alter table ground.reply owner to rf_write',
    object: 'ground.reply',
  },
  {
    rule: 'pg-definer-function',
    when: 'a definer\u2019s function that tenants may call',
    sql: `create function ground.all_notes(uuid) returns setof text language sql security definer set search_path = pg_catalog, pg_temp as 'select title from ground.note where tenant_id = $1';
grant execute on function ground.all_notes(uuid) to rf_read`,
    object: 'ground.all_notes(uuid)',
    undo: 'drop function ground.all_notes(uuid)',
  },
  {
    rule: 'pg-definer-search-path',
    when: 'a definer\u2019s function without a search path',
    sql: `create function ground.now_or_never() returns int language sql security definer as 'select 1'`,
    object: 'ground.now_or_never()',
    undo: 'drop function ground.now_or_never()',
  },
  {
    rule: 'pg-definer-search-path',
    when: 'a definer\u2019s function whose search path ends in an open schema',
    sql: `create function ground.now_or_never() returns int language sql security definer set search_path = pg_catalog, public as 'select 1'`,
    object: 'ground.now_or_never()',
    undo: 'drop function ground.now_or_never()',
  },
  {
    rule: 'pg-function-not-named',
    when: 'a function that the manifest does not name',
    sql: `create function ground.extra() returns int language sql as 'select 1';
grant execute on function ground.extra() to public`,
    object: 'ground.extra()',
    undo: 'drop function ground.extra()',
  },
  {
    rule: 'pg-leakproof-function',
    when: 'a function that is marked leakproof',
    sql: 'alter function ground.loud(text) leakproof',
    object: 'ground.loud(',
  },
  {
    rule: 'pg-tenant-owns-function',
    when: 'a function that belongs to tenants',
    sql: 'alter function ground.loud(text) owner to rf_read',
    object: 'ground.loud(text)',
  },
]

tryRules(
  {
    past: () => past,
    plain: () => plain,
    inspect: () => inspectDatabase(site.site, site.names.pooledDatabase),
  },
  TRIALS,
)

test('every rule on structure is tried', () => {
  const tried = new Set(TRIALS.map(({ rule }) => rule))
  assert.deepEqual(
    STRUCTURE_RULES.map(({ id }) => id).filter((id) => !tried.has(id)),
    [],
  )
})
