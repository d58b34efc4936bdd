import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { prepareControlDatabase } from './control-database.ts'
import {
  type ControlSite,
  fillCatalogue,
  onboarded,
  startControlSite,
} from './control-site.test-support.ts'
import { PLANES, type PlaneRole, REGISTRY_RIGHTS } from './plane-roles.ts'

const ENTER = `select revocation.enter('tenant', 'acme', null, now())`

let site: ControlSite

before(async () => {
  site = await startControlSite()
  const plane = await site.open()
  await fillCatalogue(plane)
  await onboarded(plane, 'acme')
  await plane.close()
})
after(() => site?.stop())

/** Whether the role may do it, in a transaction that is taken back. Other errors are the test's own. */
async function may(role: PlaneRole, sql: string): Promise<boolean> {
  const client = new pg.Client(site.settings[role])
  await client.connect()
  try {
    await client.query('begin')
    await client.query(sql)
    return true
  } catch (error) {
    // 42501: insufficient_privilege.
    if (error instanceof pg.DatabaseError && error.code === '42501') return false
    throw error
  } finally {
    await client.end()
  }
}

async function tables(schema: string): Promise<string[]> {
  const rows = await site.ask<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = $1`,
    [schema],
  )
  assert.ok(rows.length > 0, `${schema} has tables`)
  return rows.map(({ name }) => name)
}

for (const role of ['rf_identity', 'rf_vending', 'rf_gateway', 'rf_records'] as const) {
  test(`${role} reads and writes nothing of the registry, the workflows or what is told outside`, async () => {
    for (const schema of ['registry', 'dbos', 'approvals']) {
      for (const table of await tables(schema)) {
        assert.equal(await may(role, `select from ${table}`), false, `select ${table}`)
        assert.equal(await may(role, `delete from ${table}`), false, `delete ${table}`)
      }
    }
  })
}

for (const role of ['rf_vending', 'rf_gateway', 'rf_records'] as const) {
  test(`${role} reads the snapshot and changes nothing of it`, async () => {
    for (const table of await tables('snapshot')) {
      if (table !== 'snapshot.migration') assert.ok(await may(role, `select from ${table}`), table)
      assert.equal(await may(role, `delete from ${table}`), false, table)
      assert.equal(await may(role, `truncate ${table}`), false, table)
      assert.equal(await may(role, `insert into ${table} default values`), false, table)
    }
    assert.equal(await may(role, `update snapshot.head set version = 99`), false)
    assert.equal(await may(role, 'lock table snapshot.head in exclusive mode'), false)
  })
}

for (const role of ['rf_vending', 'rf_gateway', 'rf_records'] as const) {
  test(`${role} reads revocations, and enters, changes and forgets none`, async () => {
    assert.equal(await may(role, 'select from revocation.entry'), true)
    for (const sql of [
      ENTER,
      'select revocation.forget_expired(1)',
      'delete from revocation.entry',
      'update revocation.entry set expires_at = now()',
      'truncate revocation.entry',
      'insert into revocation.entry default values',
      'lock table revocation.entry in exclusive mode',
    ]) {
      assert.equal(await may(role, sql), false, sql)
    }
  })
}

for (const role of ['rf_identity', 'rf_control'] as const) {
  test(`${role} enters revocations and forgets expired ones, and takes none back`, async () => {
    assert.equal(await may(role, ENTER), true)
    assert.equal(await may(role, 'select from revocation.entry'), true)
    assert.equal(await may(role, 'select revocation.forget_expired(1)'), true)
    for (const sql of [
      'delete from revocation.entry',
      'update revocation.entry set expires_at = now()',
      'truncate revocation.entry',
      'alter table revocation.entry add column x int',
      'drop function revocation.enter',
      `insert into revocation.entry (xid, kind, at, expires_at)
         values ('1', 'everything', now(), now())`,
      'create table revocation.x (a int)',
    ]) {
      assert.equal(await may(role, sql), false, sql)
    }
  })
}

test('rf_identity sees of the snapshot one grant whose id it knows, and makes tables in its own schema alone', async () => {
  for (const table of await tables('snapshot')) {
    assert.equal(await may('rf_identity', `select from ${table}`), false, table)
  }
  assert.equal(await may('rf_identity', "select snapshot.grant_of('acme', 'x')"), true)
  assert.equal(await may('rf_control', "select snapshot.grant_of('acme', 'x')"), false)
  assert.equal(await may('rf_identity', 'create table identity.realm (tenant text)'), true)
  for (const schema of ['registry', 'snapshot', 'dbos', 'approvals', 'revocation', 'public']) {
    assert.equal(await may('rf_identity', `create table ${schema}.x (a int)`), false, schema)
  }
})

test('nobody else reads what the identity plane keeps', async () => {
  const identity = new pg.Client(site.settings.rf_identity)
  await identity.connect()
  await identity.query('create table identity.secret (text text)')
  await identity.end()
  for (const role of ['rf_control', 'rf_vending', 'rf_gateway', 'rf_records'] as const) {
    assert.equal(await may(role, 'select from identity.secret'), false, role)
  }
})

for (const role of PLANES) {
  test(`${role} makes no roles, databases or schemas, and takes no other role`, async () => {
    for (const sql of [
      'create role mallory',
      `alter role ${role} superuser`,
      'create schema mallory',
      ...(role === 'rf_records' ? [] : ['create temporary table mallory (a int)']),
      'create table public.mallory (a int)',
      `copy (select 1) to program 'id'`,
      `select pg_read_file('/etc/passwd')`,
      ...PLANES.filter((other) => other !== role).map((other) => `set role ${other}`),
    ]) {
      assert.equal(await may(role, sql), false, sql)
    }
  })
}

test('the control plane cannot rewrite what was done, nor its own schema', async () => {
  const appendOnly = Object.entries(REGISTRY_RIGHTS).filter(
    ([, rights]) => rights === 'select, insert',
  )
  assert.ok(appendOnly.length >= 4)
  for (const [table] of appendOnly) {
    assert.equal(await may('rf_control', `delete from registry.${table}`), false, table)
    assert.equal(await may('rf_control', `truncate registry.${table}`), false, table)
    const [column] = await site.ask<{ name: string }>(
      `select column_name as name from information_schema.columns
        where table_schema = 'registry' and table_name = $1 and is_identity = 'NO' limit 1`,
      [table],
    )
    const touch = `update registry.${table} set ${column?.name} = ${column?.name}`
    assert.equal(await may('rf_control', touch), false, table)
  }
  assert.equal(await may('rf_control', 'drop table registry.act'), false)
  assert.equal(await may('rf_control', 'alter table registry.act add column x int'), false)
  assert.equal(await may('rf_control', 'delete from registry.tenant'), false)
})

test('a role without a session of its own password gets none', async () => {
  const client = new pg.Client({ ...site.settings.rf_gateway, password: 'another' })
  client.on('error', () => {})
  await assert.rejects(client.connect(), { code: '28P01' })
})

test('every table of the registry has its rights stated', async () => {
  const stated = Object.keys(REGISTRY_RIGHTS).map((table) => `registry.${table}`)
  assert.deepEqual(stated.toSorted(), (await tables('registry')).toSorted())
})

test('rf_records makes its own tables in its own schemas, and no other plane enters them', async () => {
  for (const schema of ['records', 'usage', 'billing', 'alerts', 'behaviour']) {
    assert.equal(await may('rf_records', `create table ${schema}.x (a int)`), true, schema)
    for (const role of ['rf_control', 'rf_identity', 'rf_vending', 'rf_gateway'] as const) {
      assert.equal(await may(role, `create table ${schema}.x (a int)`), false, `${role} ${schema}`)
    }
  }
  assert.equal(await may('rf_records', 'create table identity.x (a int)'), false)
})

test('rf_records voids a session or what a grant gave, has a network blocked, and no more than that', async () => {
  const revoke = (kind: string, id: string) =>
    `select revocation.enter_detected('${kind}', 'acme', '${id}')`
  const block = (network: string, hours = 1) =>
    `select registry.enter_address_block('${network}', now() + interval '${hours} hours', 'x')`
  const restrain = (kind: string, calls: number | null, hours = 1) =>
    `select registry.enter_grant_restraint('acme', 'gr-${'a'.repeat(20)}', '${kind}', ${calls},
       now() + interval '${hours} hours', 'x')`
  for (const sql of [
    revoke('session', 's-1'),
    revoke('subject', `grant:gr-${'a'.repeat(20)}`),
    block('203.0.113.7'),
    block('2001:db8:0:7::/64'),
    `select registry.lift_address_block('203.0.113.7')`,
    restrain('limit', 5),
    restrain('challenge', null),
    `select registry.lift_grant_restraint('acme', 'gr-${'a'.repeat(20)}', 'limit')`,
  ]) {
    assert.equal(await may('rf_records', sql), true, sql)
    for (const role of ['rf_identity', 'rf_vending', 'rf_gateway'] as const) {
      assert.equal(await may(role, sql), false, `${role} ${sql}`)
    }
  }
  for (const sql of [
    revoke('subject', 'alice'),
    revoke('subject', 'grant:ä'),
    revoke('session', ''),
    revoke('session', 'a b'),
    revoke('session', 'x'.repeat(201)),
    revoke('tenant', 'x'),
    revoke('everything', 'x'),
    revoke('client', 'app'),
    `select revocation.enter_detected('session', null, 's')`,
    block('0.0.0.0/0'),
    block('2001:db8::/32'),
    block('999.0.0.1'),
    block('203.0.113.7', 25),
    restrain('limit', 5, 25),
  ]) {
    await assert.rejects(may('rf_records', sql), /.*/, sql)
  }
  assert.equal(await may('rf_records', 'delete from registry.address_block'), false)
  const take = 'delete from revocation.detected_session'
  assert.equal(await may('rf_identity', take), true)
  for (const role of ['rf_records', 'rf_control', 'rf_vending', 'rf_gateway'] as const) {
    assert.equal(await may(role, take), false, role)
  }
})

test('a password in plain text is refused where a verifier is due', async () => {
  const verifier = 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy'
  await assert.rejects(
    prepareControlDatabase(site.admin, {
      rf_control: verifier,
      rf_identity: verifier,
      rf_vending: verifier,
      rf_gateway: verifier,
      rf_records: 'hunter2',
    }),
    { code: 'invalid_argument' },
  )
})
