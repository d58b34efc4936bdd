import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import type pg from 'pg'
import { startTestSite, tenant, type TestSite } from '../test-site.test-support.ts'
import { CLUSTER_RULES } from './cluster-rules.ts'
import { inspectCluster } from './inspect.ts'
import { type Trial, tryRules, wide } from './rule-trials.test-support.ts'

let site: TestSite
let plain: pg.Client

const inspect = () => inspectCluster(site.site, { throwAway: true })

before(async () => {
  site = await startTestSite({ bridges: true })
  for (const [id, tier] of [
    ['a', 'pooled'],
    ['b', 'bridge'],
  ] as const) {
    await site.provision(id, tier)
  }
  plain = await site.admin(site.names.custodyDatabase)
})
after(() => site.stop())

const attribute = (word: string): Trial => ({
  rule: 'pg-role-attribute',
  when: `a tenant's login with ${word.toUpperCase()}`,
  sql: `alter role {login} ${word}`,
  object: `{login}: ${word.toUpperCase()}`,
})

const member = (when: string, granted: string, who = '{login}'): Trial => ({
  rule: 'pg-membership',
  when,
  sql: `grant ${granted} to ${who}`,
  object: `${who} in ${granted}`,
})

const setting = (name: string, value: string): Trial => ({
  rule: `pg-setting-${name.replaceAll('_', '-')}`,
  when: `${name} = ${value}`,
  sql: `alter system set ${name} = '${value}';\nselect pg_reload_conf()`,
  object: `${name} = ${value}`,
  undo: `alter system reset ${name};\nselect pg_reload_conf()`,
})

const END_LEASE = `update custody.lease set ended_at = now() - interval '1 minute', ended_why = 'test', drained = true where role_name = '{login}'`

const TRIALS: readonly Trial[] = [
  ...['superuser', 'bypassrls', 'createrole', 'createdb', 'replication'].map(attribute),
  {
    rule: 'pg-role-attribute',
    when: 'a group with BYPASSRLS',
    sql: 'alter role rf_write bypassrls',
    object: 'rf_write: BYPASSRLS',
  },
  {
    rule: 'pg-role-can-login',
    when: 'an owner that may log in',
    sql: `alter role rf_owner login password 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy'`,
    object: 'rf_owner',
  },
  member('a login in another scope\u2019s group', 'rf_pooled_export'),
  member('a pooled login in the group of other tiers', 'rf_write'),
  member('a bridge login in the pooled group', 'rf_pooled_write', '{bridge}'),
  member('a login in another login', '{bridge}'),
  member('a login in a role of PostgreSQL\u2019s own', 'pg_read_all_data'),
  member('a group in a role of PostgreSQL\u2019s own', 'pg_monitor', 'rf_read'),
  member('a group in the owner', 'rf_owner', 'rf_write'),
  member('the custodian in a group', 'rf_read', 'rf_custodian'),
  member('the definer in the owner', 'rf_owner', 'rf_definer'),
  {
    rule: 'pg-role-lent',
    when: 'somebody else in a group',
    sql: 'create role reporting;\ngrant rf_export to reporting',
    object: 'reporting in rf_export',
    undo: 'drop role reporting',
  },
  {
    rule: 'pg-admin-option',
    when: 'a login that may let others in',
    sql: 'grant rf_pooled_write to {login} with admin option',
    object: '{login} over rf_pooled_write',
  },
  {
    rule: 'pg-password-method',
    when: 'an MD5 password',
    sql: `alter role {login} password 'md5a3556571e93b0d20722ba62be61e8c2d'`,
    object: '{login}',
  },
  {
    rule: 'pg-role-setting',
    when: 'a superuser\u2019s setting on a login',
    sql: `alter role {login} set log_statement = 'all'`,
    object: '{login}: log_statement=all',
  },
  {
    rule: 'pg-role-setting',
    when: 'a setting on the custodian in a database',
    sql: 'alter role rf_custodian in database rf_custody set search_path = public',
    object: 'rf_custodian: search_path=public',
  },
  {
    rule: 'pg-login-setting',
    when: 'a setting that a tenant left on its login',
    sql: 'alter role {login} set work_mem = 64000',
    object: '{login}: work_mem=64000',
  },
  {
    rule: 'pg-login-without-lease',
    when: 'a login whose lease has ended',
    sql: END_LEASE,
    object: '{login}',
  },
  {
    rule: 'pg-login-without-lease',
    when: 'a login that no ledger ever knew',
    sql: `create role rf_0123456789abcdef0123456789abcdef_w0 login connection limit 5`,
    object: 'rf_0123456789abcdef0123456789abcdef_w0',
    undo: 'drop role rf_0123456789abcdef0123456789abcdef_w0',
  },
  {
    rule: 'pg-login-expiry',
    when: 'a login that never expires',
    sql: `alter role {login} valid until 'infinity'`,
    object: '{login}',
  },
  {
    rule: 'pg-login-expiry',
    when: 'a login that outlives its lease',
    sql: `alter role {login} valid until '2099-01-01'`,
    object: '{login}',
  },
  {
    rule: 'pg-login-unlimited',
    when: 'a login without a connection limit',
    sql: 'alter role {login} connection limit -1',
    object: '{login}',
  },
  {
    rule: 'pg-lease-without-role',
    when: 'a lease whose login is gone',
    sql: 'drop owned by {login};\ndrop role {login}',
    object: '{login}',
  },
  {
    rule: 'pg-custody-function-altered',
    when: 'a custody function with another body',
    sql: `create or replace function custody.close_login(p_role name) returns void language plpgsql set search_path = pg_catalog, pg_temp as 'begin end'`,
    object: 'custody.close_login',
  },
  {
    rule: 'pg-custody-stranger',
    when: 'one more custody function',
    sql: `create function custody.peek() returns setof custody.lease language sql security definer as 'select * from custody.lease'`,
    object: 'custody.peek()',
  },
  {
    rule: 'pg-custody-function-open',
    when: 'a custody function for tenants',
    sql: 'grant execute on function custody.leases(text) to rf_read',
    object: 'custody.leases to rf_read',
  },
  {
    rule: 'pg-custody-function-open',
    when: 'a custody function that is not the custodian\u2019s',
    sql: 'grant execute on function custody.reserve_tenant(text, uuid, text, text, name) to rf_custodian',
    object: 'custody.reserve_tenant to rf_custodian',
  },
  {
    rule: 'pg-custody-table-open',
    when: 'a ledger that the custodian writes',
    sql: 'grant update (tier) on custody.tenant to rf_custodian',
    object: 'custody.tenant UPDATE to rf_custodian',
  },
  {
    rule: 'pg-move-unfinished',
    when: 'a second place that nobody fills or drops',
    sql: `insert into custody.move (tenant_id, phase, key, tier, database, began_at)
      select tenant_id, 'copied', gen_random_uuid(), 'bridge', 'nowhere', now() - interval '25 hours' from custody.tenant order by 1 limit 1`.replaceAll(
      /\s*\n\s*/g,
      ' ',
    ),
    object: '(bridge, copied)',
    noFix: true,
    undo: 'delete from custody.move',
  },
  {
    rule: 'pg-place-unknown',
    when: 'a tenant\u2019s database that the ledger does not know',
    sql: `create database rf_${'0'.repeat(32)} template template0;\nrevoke all on database rf_${'0'.repeat(32)} from public`,
    object: `rf_${'0'.repeat(32)}`,
  },
  {
    rule: 'pg-custody-schema-open',
    when: 'a schema that PUBLIC may use',
    sql: 'grant usage on schema custody to public',
    object: 'USAGE to public',
  },
  {
    rule: 'pg-custody-database-open',
    when: 'a ledger that PUBLIC may connect to',
    sql: 'grant connect on database rf_custody to public',
    object: 'CONNECT to public',
  },
  {
    rule: 'pg-custody-database-open',
    when: 'a custodian that makes temporary objects',
    sql: 'grant temporary on database rf_custody to rf_custodian',
    object: 'TEMPORARY to rf_custodian',
  },
  {
    rule: 'pg-template-open',
    when: 'a template that can be connected to',
    sql: 'alter database rf_notes_template allow_connections true',
    object: 'rf_notes_template',
  },
  {
    rule: 'pg-database-owner',
    when: 'a database that belongs to the application\u2019s owner',
    sql: 'alter database notes owner to rf_owner',
    object: 'notes owned by rf_owner',
  },
  {
    rule: 'pg-other-database-open',
    when: 'another database that PUBLIC may connect to',
    sql: 'grant connect on database postgres to public',
    object: 'postgres CONNECT to public',
  },
  {
    rule: 'pg-other-database-open',
    when: 'another database that tenants may connect to',
    sql: 'grant temporary on database template1 to rf_read',
    object: 'template1 TEMPORARY to rf_read',
  },
  {
    rule: 'pg-tablespace-open',
    when: 'a tablespace that tenants may use',
    sql: 'grant create on tablespace pg_default to rf_write',
    object: 'pg_default to rf_write',
  },
  {
    rule: 'pg-parameter-open',
    when: 'a superuser\u2019s setting that tenants may change',
    sql: 'grant set on parameter session_replication_role to rf_write',
    object: 'SET session_replication_role to rf_write',
  },
  {
    rule: 'pg-database-setting',
    when: 'a database whose event triggers do not fire',
    sql: 'alter database notes set session_replication_role = replica',
    object: 'notes: session_replication_role=replica',
  },
  {
    rule: 'pg-database-setting',
    when: 'a search path for everybody',
    sql: 'alter role all set search_path = public',
    object: 'all databases: search_path=public',
  },
  setting('allow_system_table_mods', 'on'),
  setting('allow_in_place_tablespaces', 'on'),
  setting('lo_compat_privileges', 'on'),
  setting('row_security', 'off'),
  setting('event_triggers', 'off'),
  setting('session_replication_role', 'replica'),
  setting('password_encryption', 'md5'),
  setting('log_statement', 'all'),
  setting('log_min_duration_statement', '0'),
  setting('log_min_duration_sample', '0'),
  setting('log_transaction_sample_rate', '0.5'),
  setting('log_parameter_max_length_on_error', '-1'),
  setting('log_min_error_statement', 'error'),
  setting('debug_print_parse', 'on'),
  {
    rule: 'pg-setting-session-preload-libraries',
    when: 'a library in every session',
    sql: `alter role rf_admin set session_preload_libraries = 'auto_explain'`,
    object: 'session_preload_libraries = auto_explain',
    undo: 'alter role rf_admin reset session_preload_libraries',
    noFix: true,
  },
]

tryRules(
  {
    past: () => plain,
    plain: () => plain,
    inspect,
    async words() {
      const [login, bridge] = await Promise.all(
        ['a', 'b'].map(async (id) => {
          const request = { scope: 'write', ttlSeconds: 600, holder: 'test' } as const
          return (await site.boundary.lease(tenant(id), request)).credential.user
        }),
      )
      return { login: login ?? '', bridge: bridge ?? '' }
    },
    async reset() {
      for (const id of ['a', 'b']) await site.boundary.revoke(tenant(id))
    },
  },
  TRIALS,
)

test('pg-session-without-lease notices a session that goes on, and its fix ends it', async () => {
  const session = await site.login('a')
  const { rows } = await session.query<{ me: string }>('select session_user as me')
  const me = rows[0]?.me ?? ''
  await plain.query(`alter role ${me} nologin`)
  await plain.query(END_LEASE.replace('{login}', me))
  const found = (await inspect()).find(({ rule }) => rule === 'pg-session-without-lease')
  assert.equal(found?.object, me)
  await plain.query(found?.fix ?? '')
  await assert.rejects(session.query('select 1'))
  assert.deepEqual(wide(await inspect()), [])
})

test('pg_hba.conf may let nobody in without a password, nor tenants by their word', async () => {
  const { rows } = await plain.query<{ hba_file: string }>('show hba_file')
  const file = rows[0]?.hba_file ?? ''
  const original = await readFile(file)
  try {
    await appendFile(
      file,
      'local all all trust\nhost all all 127.0.0.1/32 password\nlocal all postgres peer map=admins\n',
    )
    assert.deepEqual(wide(await inspect()), [
      'pg-hba-trust local all all trust',
      'pg-hba-weak host all all password',
    ])
  } finally {
    await writeFile(file, original)
  }
})

test('durability is asked of every server but a throw-away one', async () => {
  assert.deepEqual(wide(await inspectCluster(site.site)), [
    'pg-setting-fsync fsync = off',
    'pg-setting-full-page-writes full_page_writes = off',
  ])
})

/** These need another server: an older one, one that was restarted, one on a network. */
const UNTRIED = [
  'pg-setting-db-user-namespace',
  'pg-setting-shared-preload-libraries',
  'pg-setting-local-preload-libraries',
  'pg-setting-ssl',
]

test('every rule on a server is tried', () => {
  const tried = new Set([
    ...TRIALS.map(({ rule }) => rule),
    'pg-session-without-lease',
    'pg-hba-trust',
    'pg-hba-weak',
    'pg-setting-fsync',
    'pg-setting-full-page-writes',
    ...UNTRIED,
  ])
  assert.deepEqual(
    CLUSTER_RULES.map(({ id }) => id).filter((id) => !tried.has(id)),
    [],
  )
})
