import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import type { PostgresCredential } from '../postgres-boundary.ts'
import {
  connected,
  opens,
  startTestSite,
  tenant,
  type TestSite,
} from '../test-site.test-support.ts'
import { LOGIN_HOOK_SERVER_VERSION_MIN } from './login-hook.ts'

const ACME = tenant('acme')

/** What a session could leave behind for the next one of the same login, and its value. */
const SETTINGS: Readonly<Record<string, string>> = {
  search_path: 'nowhere, public',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  statement_timeout: '1',
  lock_timeout: '1',
  idle_in_transaction_session_timeout: '1',
  idle_session_timeout: '1',
  row_security: 'off',
  work_mem: '1GB',
  client_encoding: 'LATIN1',
  DateStyle: 'SQL, DMY',
  TimeZone: 'Asia/Tokyo',
  standard_conforming_strings: 'off',
  backslash_quote: 'off',
  array_nulls: 'off',
  transform_null_equals: 'on',
  bytea_output: 'escape',
  enable_indexscan: 'off',
  application_name: 'somebody else',
  default_tablespace: 'nowhere',
  client_min_messages: 'error',
}

/** What only a superuser may set, on a role of its own or not. */
const REFUSED: readonly string[] = [
  'log_statement = all',
  'log_min_duration_statement = 0',
  'log_min_error_statement = debug5',
  'session_preload_libraries = nothing',
  'session_replication_role = replica',
  'event_triggers = off',
  'temp_file_limit = -1',
  'track_activities = off',
  'zero_damaged_pages = on',
  'lo_compat_privileges = on',
]

let place: TestSite
let admin: pg.Client
let credential: PostgresCredential
let hasHook: boolean

before(async () => {
  place = await startTestSite()
  await place.provision(ACME)
  admin = await place.admin()
  hasHook = place.cluster.serverVersion >= LOGIN_HOOK_SERVER_VERSION_MIN
  ;({ credential } = await place.boundary.lease(ACME, { scope: 'write', holder: 'test' }))
})
after(() => place?.stop())

async function left(): Promise<number> {
  const { rowCount } = await admin.query(
    'select from pg_db_role_setting s join pg_roles r on r.oid = s.setrole where r.rolname = $1',
    [credential.user],
  )
  return rowCount ?? 0
}

async function show(client: pg.Client, name: string): Promise<unknown> {
  const { rows } = await client.query('select current_setting($1) as value', [name])
  return rows[0].value
}

/** The next login of the same role: on older servers the one after the next sweep. */
async function nextLogin(): Promise<pg.Client> {
  if (!hasHook) await place.boundary.sweep()
  return connected(credential)
}

for (const [name, value] of Object.entries(SETTINGS)) {
  test(`${name}, set on its own role by one session, is not there in the next`, async () => {
    for (const where of ['', `in database ${place.names.pooledDatabase}`]) {
      const first = await connected(credential)
      const usual = await show(first, name)
      const list = value.includes(',') && name === 'search_path' ? value : `'${value}'`
      await first.query(`alter role ${credential.user} ${where} set ${name} = ${list}`)
      await first.end()
      assert.equal(await left(), 1)
      const second = await nextLogin()
      assert.equal(await show(second, name), usual)
      await second.query('select * from notes.note')
      await second.end()
      assert.equal(await left(), 0)
    }
  })
}

test('a tenant cannot set what belongs to the superuser', async () => {
  const client = await connected(credential)
  for (const setting of REFUSED) {
    for (const sql of [`set ${setting}`, `alter role ${credential.user} set ${setting}`]) {
      await assert.rejects(client.query(sql), /./, sql)
    }
  }
  await assert.rejects(client.query(`alter role all set work_mem = '1GB'`), { code: '42501' })
  await assert.rejects(client.query(`alter database notes set work_mem = '1GB'`), { code: '42501' })
  await client.end()
})

test('a setting that would keep the tenant out is gone after a sweep', async () => {
  const spoilers = [
    `set local_preload_libraries = 'nothing'`,
    'set default_transaction_read_only = on',
  ]
  if (hasHook) spoilers.push(`set transaction_timeout = '1ms'`)
  for (const spoiler of spoilers) {
    const first = await connected(credential)
    await first.query(`alter role ${credential.user} ${spoiler}`)
    await first.end()
    await opens(credential)
    await place.boundary.sweep()
    const next = await connected(credential)
    await next.query(`insert into notes.note (body) values ('written')`)
    await next.end()
    assert.equal(await left(), 0)
  }
})

test('a read-only default of one session does not make the next one read-only', async () => {
  const first = await connected(credential)
  await first.query(`alter role ${credential.user} set default_transaction_read_only = on`)
  await first.end()
  const second = await nextLogin()
  await second.query(`insert into notes.note (body) values ('written')`)
  await second.end()
  await place.boundary.sweep()
})

test('twenty logins at once after a setting all get in', async () => {
  const first = await connected(credential)
  await first.query(`alter role ${credential.user} set work_mem = '64kB'`)
  await first.end()
  const clients = await Promise.all(Array.from({ length: 18 }, () => connected(credential)))
  await Promise.all(clients.map((client) => client.query('select 1')))
  await Promise.all(clients.map((client) => client.end()))
  await place.boundary.sweep()
  assert.equal(await left(), 0)
})

test('the administrator’s logins and settings are left alone', async () => {
  const { rows } = await admin.query<{ user: string }>('select current_user::text as user')
  const superuser = rows[0]?.user ?? ''
  await admin.query(`alter role ${superuser} set work_mem = '7MB'`)
  const next = await place.admin()
  assert.equal(await show(next, 'work_mem'), '7MB')
  await place.boundary.sweep()
  assert.equal(await show(await place.admin(), 'work_mem'), '7MB')
  await admin.query(`alter role ${superuser} reset all`)
})
