import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ownFunctionsOfCustody } from '../inspect/own-functions.ts'
import { BOOKS, contents, fill } from '../move/move.test-support.ts'
import { loginRole, tenantKey } from '../names.ts'
import { startTestSite, tenant, type TestSite } from '../test-site.test-support.ts'

let place: TestSite

before(async () => {
  place = await startTestSite({ application: BOOKS, bridges: true })
  for (const [id, tier] of [
    ['acme', 'pooled'],
    ['other', 'pooled'],
    ['bridged', 'bridge'],
  ] as const) {
    await place.provision(id, tier)
    const client = await place.login(id)
    await fill(client, 10)
    await client.end()
    await place.boundary.revoke(tenant(id))
  }
})
after(() => place?.stop())

const failing = async (id: string) =>
  (await place.boundary.smoke(tenant(id))).filter(({ held }) => !held).map((check) => check.id)

for (const id of ['acme', 'bridged']) {
  test(`${id} holds, and neither rows nor numbers nor leases are left of the attack`, async () => {
    const before = await contents(place, id)
    assert.deepEqual(await failing(id), [])
    assert.deepEqual(await contents(place, id), before)
    const live = (await place.boundary.leases(tenant(id))).filter((one) => !one.ended_at)
    assert.deepEqual(live, [])
  })
}

/** Ways to weaken a live place, the check that must notice, and the way back. */
const WEAKENED: Readonly<
  Record<string, { id?: string; sql: string; undo: string; notices: readonly string[] }>
> = {
  'row security off on one table': {
    sql: 'alter table books.day disable row level security',
    undo: 'alter table books.day enable row level security',
    notices: ['pg-smoke-own-rows-only', 'pg-smoke-row-security', 'pg-smoke-inspect'],
  },
  'a guard that lets everything through': {
    sql: 'alter policy ringfence_guard on books.entry using (true)',
    undo: 'select rf.protect($$books.entry$$::regclass, $$tenant_id$$)',
    notices: ['pg-smoke-own-rows-only', 'pg-smoke-inspect'],
  },
  'rows of its own that it does not see': {
    sql: `create policy blind on books.ticket as restrictive using (number > 3)`,
    undo: 'drop policy blind on books.ticket',
    notices: ['pg-smoke-own-rows-only'],
  },
  'a right that the manifest promises and nobody granted': {
    sql: 'revoke insert (tenant_id) on books.account from rf_write',
    undo: 'grant insert (tenant_id) on books.account to rf_write',
    notices: ['pg-smoke-owner'],
  },
  'a reader that may write': {
    sql: 'grant insert (tenant_id) on books.account to rf_read',
    undo: 'revoke insert (tenant_id) on books.account from rf_read',
    notices: ['pg-smoke-writes'],
  },
  'rows that can be given away': {
    sql: 'grant update (tenant_id) on books.account to rf_write',
    undo: 'revoke update (tenant_id) on books.account from rf_write',
    notices: ['pg-smoke-writes'],
  },
  'writers in the role of the owner': {
    sql: 'grant rf_owner to rf_pooled_write',
    undo: 'revoke rf_owner from rf_pooled_write',
    notices: ['pg-smoke-other-role', 'pg-smoke-row-security'],
  },
  'another database that is open to everybody': {
    sql: 'grant connect on database postgres to public',
    undo: 'revoke connect on database postgres from public',
    notices: ['pg-smoke-other-database'],
  },
  'a bridge whose neighbours may come in': {
    id: 'acme',
    sql: 'grant connect on database BRIDGE to public',
    undo: 'revoke connect on database BRIDGE from public',
    notices: ['pg-smoke-other-database'],
  },
}

for (const [what, { id = 'acme', sql, undo, notices }] of Object.entries(WEAKENED)) {
  test(`the attack notices ${what}`, async () => {
    const bridge = (await place.boundary.find(tenant('bridged')))?.database ?? ''
    const admin = await place.admin()
    // As whoever goes past the guard rails would.
    await admin.query('set session_replication_role = replica')
    await admin.query(sql.replace('BRIDGE', bridge))
    try {
      const found = await failing(id)
      for (const check of notices)
        assert.ok(found.includes(check), `${check} not in ${found.join(', ')}`)
    } finally {
      await admin.query(undo.replace('BRIDGE', bridge))
      await admin.end()
    }
    assert.deepEqual(await failing(id), [])
  })
}

test('the attack notices a login that outlives its revocation', async () => {
  const key = tenantKey((await place.boundary.find(tenant('acme')))?.key ?? '')
  const ledger = await place.admin(place.names.custodyDatabase)
  await ledger.query(`create or replace function custody.close_login(p_role name) returns void
    language plpgsql set search_path = pg_catalog, pg_temp as $$ begin null; end $$`)
  try {
    assert.ok((await failing('acme')).includes('pg-smoke-revoked'))
  } finally {
    for (const { name, repair } of ownFunctionsOfCustody(place.names)) {
      if (name === 'custody.close_login') await ledger.query(repair)
    }
    await ledger.query(
      `alter role ${loginRole(place.names, key, 'write', 0)} nologin password null connection limit 0`,
    )
  }
  assert.deepEqual(await failing('acme'), [])
})
