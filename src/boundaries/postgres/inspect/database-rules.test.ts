import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { GROUND } from '../rehearsal/ground.ts'
import { startTestSite, type TestSite } from '../test-site.test-support.ts'
import { FOREIGN_RULES } from './foreign-rules.ts'
import { GUARD_RAIL_RULES } from './guard-rail-rules.ts'
import { inspectDatabase } from './inspect.ts'
import { MANIFEST_RULES } from './manifest-rules.ts'
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

const TRIALS: readonly Trial[] = [
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

test('every rule on what a database holds is tried', () => {
  const tried = new Set([...TRIALS.map(({ rule }) => rule), ...UNTRIED])
  assert.deepEqual(
    [...MANIFEST_RULES, ...GUARD_RAIL_RULES, ...FOREIGN_RULES]
      .map(({ id }) => id)
      .filter((id) => !tried.has(id)),
    [],
  )
})
