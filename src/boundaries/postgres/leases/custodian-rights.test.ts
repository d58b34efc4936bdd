import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { namesFor } from '../names.ts'
import {
  CUSTODIAN_PASSWORD,
  connected,
  startTestSite,
  tenant,
  tenantOf,
  type TestSite,
} from '../test-site.test-support.ts'
import { scramVerifier } from '../../../clusters/scram.ts'

let place: TestSite
let custodian: pg.Client
let admin: pg.Client
let verifier: string

before(async () => {
  place = await startTestSite()
  await place.provision('acme')
  custodian = await place.custodian()
  admin = await place.admin(place.names.custodyDatabase)
  verifier = await scramVerifier('secret')
})
after(() => place?.stop())

const DENIED = { code: '42501' }

async function roles(): Promise<readonly unknown[]> {
  const { rows } = await admin.query(
    'select rolname, rolsuper, rolcanlogin, rolpassword, rolvaliduntil, rolconnlimit from pg_authid order by 1',
  )
  return rows
}

const openLease = (parameters: readonly unknown[]) =>
  custodian.query('select * from custody.open_lease($1, $2, $3, $4, $5, $6, $7)', [...parameters])

/** The parameters of a lease that is granted, with some of them replaced. */
const parameters = (replaced: Readonly<Record<number, unknown>> = {}): readonly unknown[] =>
  [crypto.randomUUID(), 'acme', 'write', 60, 'test', verifier, 5].map((value, index) =>
    index in replaced ? replaced[index] : value,
  )

test('the custodian connects to the ledger and to no other database', async () => {
  const settings = {
    ...place.cluster.admin,
    user: place.names.custodian,
    password: CUSTODIAN_PASSWORD,
  }
  for (const database of [place.names.pooledDatabase, 'postgres', 'template1']) {
    await assert.rejects(connected({ ...settings, database }), DENIED, database)
  }
  await assert.rejects(connected({ ...settings, database: 'template0' }))
  await assert.rejects(connected({ ...settings, password: 'wrong' }))
})

test('the custodian reads and writes no table of the ledger', async () => {
  for (const table of ['tenant', 'lease', 'retired_key']) {
    for (const sql of [
      `select count(*) from custody.${table}`,
      `insert into custody.${table} default values`,
      `delete from custody.${table}`,
      `truncate custody.${table}`,
      `copy custody.${table} to stdout`,
      `do $$ begin lock table custody.${table}; end $$`,
      `update custody.${table} set key = gen_random_uuid()`,
    ]) {
      await assert.rejects(custodian.query(sql), DENIED, sql)
    }
  }
})

test('the custodian calls nine functions and no other', async () => {
  const { rows } = await admin.query<{ name: string }>(
    `select proname as name from pg_proc where pronamespace = 'custody'::regnamespace
       and has_function_privilege($1, oid, 'execute') order by 1`,
    [place.names.custodian],
  )
  assert.deepEqual(
    rows.map((row) => row.name),
    'activity drain end_leases end_session expire find_tenant leases open_lease reset_settings'.split(
      ' ',
    ),
  )
  await assert.rejects(custodian.query(`select custody.close_login('postgres')`), DENIED)
  await assert.rejects(
    custodian.query(`select custody.reserve_tenant('x', gen_random_uuid(), 'pooled', 'r', 'd')`),
    DENIED,
  )
})

const ELSEWHERE: readonly string[] = [
  'create role evil',
  'create role evil superuser',
  'alter role postgres password null',
  'alter role rf_custodian superuser',
  'alter role rf_custodian createrole',
  'drop role rf_read',
  'grant rf_write to rf_custodian',
  'grant rf_owner to rf_custodian',
  'set role rf_owner',
  'set role postgres',
  'set session authorization postgres',
  'create database evil',
  'drop database notes',
  'alter database notes allow_connections false',
  'grant connect on database notes to rf_custodian',
  'create schema evil',
  'create table custody.evil (a int)',
  'create table public.evil (a int)',
  'create temp table evil (a int)',
  'create extension dblink',
  'create language plpython3u',
  `do $$ begin end $$`,
  'select * from pg_authid',
  'select * from pg_stat_activity',
  'select pg_terminate_backend(pg_backend_pid())',
  'select pg_advisory_lock(1)',
  `select pg_read_file('PG_VERSION')`,
  `select pg_ls_dir('.')`,
  'select lo_create(0)',
  `copy (select 1) to program 'true'`,
  'alter system set fsync = off',
  'set session_replication_role = replica',
  'checkpoint',
]

test('the custodian can do nothing else on the server', async () => {
  const before = await roles()
  for (const sql of ELSEWHERE) await assert.rejects(custodian.query(sql), /./, sql)
  assert.deepEqual(await roles(), before)
})

/** Would leave the statement that it is put into, if it were put there as text. */
const INJECTIONS: readonly string[] = [
  `x'; create role evil superuser login; --`,
  `x"; create role evil superuser login; --`,
  `') ; alter role postgres password null; --`,
  `$$; create role evil; $$`,
  `%I %L %s %1$s`,
  `\\'; create role evil; --`,
  `acme' or '1'='1`,
  `acme%`,
  `%`,
  `acme\n; create role evil;`,
  `' valid until 'infinity`,
  `login superuser`,
  `rf_owner`,
  `postgres`,
]

test('no parameter of a custody function becomes SQL', async () => {
  const before = await roles()
  for (const text of INJECTIONS) {
    await assert.rejects(openLease(parameters({ 1: text })), { code: 'P0002' }, text)
    await assert.rejects(openLease(parameters({ 2: text })), { code: '22023' }, text)
    for (const bad of [text, `${verifier}${text}`, `${text}${verifier}`]) {
      await assert.rejects(openLease(parameters({ 5: bad })), { code: '22023' }, bad)
    }
    const ended = await custodian.query('select custody.end_leases($1, null, $2)', [text, text])
    assert.equal(ended.rowCount, 0)
    const found = await custodian.query('select t.* from custody.find_tenant($1) t', [text])
    assert.equal(found.rows[0]?.tenant_id ?? null, null)
    assert.equal((await custodian.query('select * from custody.leases($1)', [text])).rowCount, 0)
    const ending = 'select custody.end_session(1, $1, $2, true) as done'
    assert.equal((await custodian.query(ending, [text, text])).rows[0].done, false)
  }
  assert.deepEqual(await roles(), before)
  // The holder is free text: kept as it is, and no more.
  for (const text of INJECTIONS) {
    const { rows } = await openLease(parameters({ 4: text }))
    assert.match(String(rows[0]?.role_name), /^rf_[0-9a-f]{32}_w\d$/)
    const [record] = (await custodian.query(`select holder from custody.leases('acme')`)).rows
    assert.equal(record.holder, text)
    await place.boundary.revoke(tenant('acme'))
  }
  const names = (list: readonly unknown[]) =>
    list.map((role) => (role as { rolname: string }).rolname).filter((name) => !/_w\d$/.test(name))
  assert.deepEqual(names(await roles()), names(before))
})

test('a password, a hash of another kind and a verifier with an appendix are not taken', async () => {
  const bad = ['', 'secret', 'md5d41d8cd98f00b204e9800998ecf8427e', `${verifier}\n`, ` ${verifier}`]
  for (const text of [...bad, null]) {
    await assert.rejects(openLease(parameters({ 5: text })), { code: '22023' })
  }
})

test('lifetimes, connections and holders out of range are not taken', async () => {
  for (const seconds of [0, -1, 86_401, 2_147_483_647, null]) {
    await assert.rejects(openLease(parameters({ 3: seconds })), { code: '22023' })
  }
  for (const connections of [0, -1, 1001, null]) {
    await assert.rejects(openLease(parameters({ 6: connections })), { code: '22023' })
  }
  for (const holder of ['', 'h'.repeat(201), null]) {
    await assert.rejects(openLease(parameters({ 4: holder })), { code: '22023' })
  }
  await assert.rejects(openLease(parameters({ 2: null })), { code: '22023' })
})

test('there is no lease before a tenant is active and from the moment it is being erased', async () => {
  await place.site.reserve(tenantOf('later', 'pooled'))
  await assert.rejects(openLease(parameters({ 1: 'later' })), { code: 'P0002' })
  await place.site.activate(tenant('later'))
  await openLease(parameters({ 1: 'later' }))
  await admin.query(`update custody.tenant set status = 'erasing' where tenant_id = 'later'`)
  await assert.rejects(openLease(parameters({ 1: 'later' })), { code: 'P0002' })
  await place.boundary.erase(tenant('later'))
  await assert.rejects(openLease(parameters({ 1: 'later' })), { code: 'P0002' })
})

test('only sessions of tenants can be ended, and by draining only those of ended leases', async () => {
  const lease = await place.boundary.lease(tenant('acme'), { scope: 'write', holder: 'test' })
  const session = await place.connect(lease.credential)
  const { rows } = await admin.query<{ pid: number; usename: string; started: string }>(
    'select pid, usename, backend_start::text as started from pg_stat_activity where usename is not null',
  )
  for (const { pid, usename, started } of rows) {
    if (usename === lease.credential.user) continue
    const ending = 'select custody.end_session($1, $2, $3, true) as done'
    const { rows: done } = await custodian.query(ending, [pid, usename, started])
    assert.equal(done[0].done, false, usename)
  }
  await custodian.query('select * from custody.drain($1, null, true)', [[lease.lease_id]])
  await session.query('select 1')
  await place.boundary.revoke(tenant('acme'))
})

test('an installation with another prefix has a custodian and logins of its own', () => {
  const other = namesFor('rfx1', 'notes')
  assert.notEqual(other.custodian, place.names.custodian)
  assert.notEqual(other.custodyDatabase, place.names.custodyDatabase)
})
