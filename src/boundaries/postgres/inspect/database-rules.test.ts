import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { GROUND } from '../rehearsal/ground.ts'
import { startTestSite, type TestSite } from '../test-site.test-support.ts'
import { DATABASE_RULES } from './database-rules.ts'
import { inspectDatabase } from './inspect.ts'
import { type Trial, tryRules } from './rule-trials.test-support.ts'

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

const LOGIN = 'rf_0123456789abcdef0123456789abcdef_w0'

const TRIALS: readonly Trial[] = [
  {
    rule: 'pg-connect-open',
    when: 'a database that PUBLIC may connect to',
    sql: 'grant connect on database rf_ground to public'.replace('rf_ground', 'ground'),
    object: 'CONNECT to public',
  },
  {
    rule: 'pg-connect-open',
    when: 'a login of another database\u2019s tenant',
    sql: `create role ${LOGIN};\ngrant connect on database ground to ${LOGIN}`,
    object: `CONNECT to ${LOGIN}`,
    undo: `drop role ${LOGIN}`,
  },
  {
    rule: 'pg-connect-open',
    when: 'the custodian',
    sql: 'grant connect on database ground to rf_custodian',
    object: 'CONNECT to rf_custodian',
  },
  {
    rule: 'pg-temp-open',
    when: 'temporary objects for PUBLIC',
    sql: 'grant temporary on database ground to public',
    object: 'TEMPORARY to public',
  },
  {
    rule: 'pg-create-open',
    when: 'a schema that tenants create in',
    sql: 'grant create on schema ground to rf_write',
    object: 'CREATE on schema ground to rf_write',
  },
  {
    rule: 'pg-create-open',
    when: 'schemas that tenants create',
    sql: 'grant create on database ground to rf_pooled_write',
    object: 'CREATE to rf_pooled_write',
  },
  {
    rule: 'pg-schema-open',
    when: 'the public schema for PUBLIC',
    sql: 'grant usage on schema public to public',
    object: 'USAGE on schema public to public',
  },
  {
    rule: 'pg-schema-open',
    when: 'a schema that the manifest does not name',
    sql: 'create schema attic;\ngrant usage on schema attic to rf_read',
    object: 'USAGE on schema attic to rf_read',
    undo: 'drop schema attic',
  },
  {
    rule: 'pg-language-open',
    when: 'a procedural language for PUBLIC',
    sql: 'grant usage on language plpgsql to public',
    object: 'plpgsql to public',
  },
  {
    rule: 'pg-default-execute-open',
    when: 'functions that are PUBLIC\u2019s by default again',
    sql: 'alter default privileges for role rf_owner grant execute on functions to public',
    object: 'rf_owner',
  },
  {
    rule: 'pg-tenant-owns-other',
    when: 'a schema that belongs to tenants',
    sql: 'create schema attic authorization rf_write',
    object: 'schema attic',
    undo: 'drop schema attic',
  },
  {
    rule: 'pg-tenant-owns-other',
    when: 'the secret\u2019s table belonging to tenants',
    sql: 'alter table rf.secret owner to rf_write',
    object: 'rf.secret',
    undo: 'alter table rf.secret owner to rf_definer',
  },
  {
    rule: 'pg-custodian-reaches',
    when: 'a table that the custodian reads',
    sql: 'grant select on ground.note to rf_custodian',
    object: 'table ground.note',
  },
  {
    rule: 'pg-system-function-open',
    when: 'a closed system function that is PUBLIC\u2019s again',
    sql: 'grant execute on function pg_advisory_lock(bigint) to public',
    object: 'pg_advisory_lock(bigint) to public',
  },
  {
    rule: 'pg-system-function-open',
    when: 'a superuser\u2019s function that is given to PUBLIC',
    sql: 'grant execute on function pg_reload_conf() to public',
    object: 'pg_reload_conf() to public',
  },
  {
    rule: 'pg-system-function-open',
    when: 'a system function that is given to tenants',
    sql: 'grant execute on function pg_read_file(text) to rf_read',
    object: 'pg_read_file(text) to rf_read',
  },
  {
    rule: 'pg-system-view-open',
    when: 'a closed system view that is PUBLIC\u2019s again',
    sql: 'grant select on pg_stats to public',
    object: 'pg_catalog.pg_stats SELECT to public',
  },
  {
    rule: 'pg-system-view-open',
    when: 'a column of a system table that PUBLIC may read',
    sql: 'grant select (rolname, rolpassword) on pg_authid to public',
    object: 'pg_catalog.pg_authid SELECT (rolpassword) to public',
  },
  {
    rule: 'pg-system-view-open',
    when: 'a system view that tenants may read',
    sql: 'grant select on pg_stat_activity to rf_read',
    object: 'pg_catalog.pg_stat_activity SELECT to rf_read',
  },
  {
    rule: 'pg-system-column-open',
    when: 'row counts in pg_class',
    sql: 'grant select on pg_class to public',
    object: 'pg_class to public',
  },
  {
    rule: 'pg-system-column-open',
    when: 'function bodies in pg_proc',
    sql: 'grant select (prosrc) on pg_proc to rf_read',
    object: 'pg_proc.prosrc to rf_read',
  },
  {
    rule: 'pg-system-leakproof',
    when: 'a built-in function that was marked leakproof',
    sql: 'alter function pg_catalog.textlike(text, text) leakproof',
    object: 'textlike(text,text)',
  },
  {
    rule: 'pg-manifest-altered',
    when: 'a register that shares a tenants\u2019 table',
    sql: `update rf.application set shared = shared || '{note_history}'`,
    object: 'ground',
  },
  {
    rule: 'pg-manifest-altered',
    when: 'an application that nobody installed',
    sql: `insert into rf.application select 'other', 'other', tenant_column, tables, shared, views, functions, sha256 from rf.application`,
    object: 'other',
  },
  {
    rule: 'pg-grant-not-named',
    when: 'a hidden column',
    sql: 'grant select (hidden_remark) on ground.note to rf_read',
    object: 'ground.note.hidden_remark SELECT to rf_read',
  },
  {
    rule: 'pg-grant-not-named',
    when: 'a table that the manifest leaves out',
    sql: 'grant select (tenant_id, at, image) on ground.note_history to rf_read',
    object: 'ground.note_history.image SELECT to rf_read',
  },
  {
    rule: 'pg-grant-not-named',
    when: 'a right that only the other scope has',
    sql: 'grant insert (title) on ground.note to rf_read',
    object: 'ground.note.title INSERT to rf_read',
  },
  {
    rule: 'pg-grant-not-named',
    when: 'a view that the manifest leaves out',
    sql: 'create view ground.titles with (security_invoker) as select title from ground.note;\ngrant select on ground.titles to rf_read',
    object: 'ground.titles SELECT to rf_read',
    undo: 'drop view ground.titles',
  },
  {
    rule: 'pg-trigger-definer',
    when: 'a trigger that runs as a superuser',
    sql: 'alter function ground.remember_note() owner to current_user',
    object: 'note_remembered on ground.note',
  },
  {
    rule: 'pg-delete-function-altered',
    when: 'a delete function that belongs to a superuser',
    sql: 'alter function rf_delete.note(uuid) owner to current_user',
    object: 'rf_delete.note',
  },
  {
    rule: 'pg-delete-function-altered',
    when: 'a delete function with another body',
    sql: `create or replace function rf_delete.note(id uuid) returns bigint language sql volatile security definer set search_path = pg_catalog, pg_temp as 'with gone as (delete from ground.note returning 1) select count(*) from gone'`,
    object: 'rf_delete.note',
  },
  {
    rule: 'pg-delete-function-altered',
    when: 'a delete function that PUBLIC may call',
    sql: 'grant execute on function rf_delete.note(uuid) to public',
    object: 'rf_delete.note',
  },
  {
    rule: 'pg-delete-function-altered',
    when: 'a delete function that the manifest did not ask for',
    sql: `create function rf_delete.reply(uuid) returns bigint language sql security definer set search_path = pg_catalog, pg_temp as 'select 1::bigint'`,
    object: 'rf_delete.reply',
  },
  {
    rule: 'pg-own-function-altered',
    when: 'an identity that is read from a setting',
    sql: `create or replace function rf.tenant() returns uuid language sql stable return current_setting('app.tenant')::uuid`,
    object: 'rf.tenant',
  },
  {
    rule: 'pg-own-function-altered',
    when: 'an identity that is computed for every row',
    sql: 'alter function rf.tenant() volatile',
    object: 'rf.tenant',
  },
  {
    rule: 'pg-own-function-altered',
    when: 'an identity that a definer lends',
    sql: 'alter function rf.tenant() security definer',
    object: 'rf.tenant',
  },
  {
    rule: 'pg-own-function-altered',
    when: 'a guard that does nothing',
    sql: `create or replace function rf.guard() returns event_trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as 'begin end'`,
    object: 'rf.guard',
  },
  {
    rule: 'pg-own-function-altered',
    when: 'a channel function that belongs to somebody else',
    sql: 'alter function rf.channel(text) owner to rf_owner',
    object: 'rf.channel',
  },
  {
    rule: 'pg-own-schema-stranger',
    when: 'a second rf.tenant',
    sql: `create function rf.tenant(uuid) returns uuid language sql as 'select $1'`,
    object: 'rf.tenant(uuid)',
  },
  {
    rule: 'pg-own-function-open',
    when: 'a protecting function that tenants may call',
    sql: 'grant execute on function rf.mend(text) to rf_write',
    object: 'rf.mend to rf_write',
  },
  {
    rule: 'pg-own-table-open',
    when: 'a secret that tenants may read',
    sql: 'grant select on rf.secret to rf_read',
    object: 'rf.secret SELECT to rf_read',
  },
  {
    rule: 'pg-guard-rail-off',
    when: 'an event trigger that is disabled',
    sql: 'alter event trigger ringfence_guard disable',
    object: 'ringfence_guard',
  },
  {
    rule: 'pg-guard-rail-off',
    when: 'an event trigger that is gone',
    sql: 'drop event trigger ringfence_guard_drop',
    object: 'ringfence_guard_drop',
  },
  {
    rule: 'pg-guard-rail-off',
    when: 'an event trigger that looks at some commands only',
    sql: `drop event trigger ringfence_guard;
create event trigger ringfence_guard on ddl_command_end when tag in ('CREATE TABLE') execute function rf.guard()`,
    object: 'ringfence_guard',
  },
  {
    rule: 'pg-limit-missing',
    when: 'temporary files without a limit',
    sql: 'alter database ground reset temp_file_limit',
    object: 'temp_file_limit',
  },
  {
    rule: 'pg-extension',
    when: 'an extension that opens connections',
    sql: 'create schema attic;\ncreate extension dblink schema attic',
    object: 'dblink',
    undo: 'drop schema attic',
  },
  {
    rule: 'pg-foreign-access',
    when: 'a user mapping for PUBLIC',
    sql: `create foreign data wrapper far;
create server far foreign data wrapper far;
create user mapping for public server far`,
    object: 'user mapping for public on far',
    undo: 'drop foreign data wrapper far cascade',
  },
  {
    rule: 'pg-foreign-access',
    when: 'a foreign server that tenants may use',
    sql: `create foreign data wrapper far;
create server far foreign data wrapper far;
grant usage on foreign server far to rf_write;
grant usage on foreign data wrapper far to rf_write`,
    object: 'USAGE on server far to rf_write',
    undo: 'drop foreign data wrapper far cascade',
  },
  {
    rule: 'pg-foreign-server',
    when: 'a foreign server',
    sql: 'create foreign data wrapper far;\ncreate server far foreign data wrapper far',
    object: 'far',
    undo: 'drop foreign data wrapper far cascade',
  },
  {
    rule: 'pg-publication',
    when: 'a publication',
    sql: 'create publication everything for all tables',
    object: 'everything',
  },
  {
    rule: 'pg-subscription',
    when: 'a subscription',
    sql: `create subscription inflow connection 'host=/nowhere' publication p with (connect = false, enabled = false, create_slot = false)`,
    object: 'inflow',
  },
  {
    rule: 'pg-large-object',
    when: 'a large object for PUBLIC',
    sql: 'select lo_create(4711);\ngrant select on large object 4711 to public',
    object: 'large object 4711 SELECT to public',
    undo: 'select lo_unlink(4711)',
  },
  {
    rule: 'pg-extended-statistics',
    when: 'extended statistics on tenants\u2019 rows',
    sql: 'create statistics ground.correlated on state, amount from ground.note',
    object: 'correlated on ground.note',
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

/** It takes a language that not every server has. */
const UNTRIED = ['pg-untrusted-language']

test('every rule on a database is tried', () => {
  const tried = new Set([...TRIALS.map(({ rule }) => rule), ...UNTRIED])
  assert.deepEqual(
    DATABASE_RULES.map(({ id }) => id).filter((id) => !tried.has(id)),
    [],
  )
})
