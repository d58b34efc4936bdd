import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { GROUND } from '../rehearsal/ground.ts'
import { startTestSite, type TestSite } from '../test-site.test-support.ts'
import { inspectDatabase } from './inspect.ts'
import { PRIVILEGE_RULES } from './privilege-rules.ts'
import { type Trial, tryRules } from './rule-trials.test-support.ts'
import { SYSTEM_RULES } from './system-rules.ts'

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
]

tryRules(
  {
    past: () => past,
    plain: () => plain,
    inspect: () => inspectDatabase(site.site, site.names.pooledDatabase),
  },
  TRIALS,
)

test('every rule on privileges is tried', () => {
  const tried = new Set(TRIALS.map(({ rule }) => rule))
  assert.deepEqual(
    [...PRIVILEGE_RULES, ...SYSTEM_RULES].map(({ id }) => id).filter((id) => !tried.has(id)),
    [],
  )
})
