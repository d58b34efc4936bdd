import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { RingfenceError } from '../../../core/errors.ts'
import { LOGIN_SLOTS } from '../names.ts'
import { Site } from '../site.ts'
import {
  CUSTODIAN_PASSWORD,
  connected,
  opens,
  startTestSite,
  tenant,
  type TestSite,
} from '../test-site.test-support.ts'
import { auditLedger } from './audit-ledger.test-support.ts'
import { BUDGET_DEFAULT } from './budget.ts'
import type { Custodian } from './custodian.ts'
import { newPassword, scramVerifier } from '../../../clusters/scram.ts'

const [ACME, OTHER] = [tenant('acme'), tenant('other')]

let place: TestSite
let ledger: pg.Client

before(async () => {
  place = await startTestSite()
  ledger = await place.admin(place.names.custodyDatabase)
  await place.provision(ACME)
  await place.provision(OTHER)
})
after(() => place?.stop())

const open = (custodian: Custodian = place.site.custodian, id = ACME) =>
  custodian.open(id, 'write', 600, 'test', BUDGET_DEFAULT)

const lease = (scope: 'read' | 'write' = 'write', ttlSeconds = 600, id = ACME) =>
  place.boundary.lease(id, { scope, ttlSeconds, holder: 'test' })

/** The custodian of another process on the same server. */
function anotherCustodian(): Custodian {
  return Site.attach({
    cluster: place.cluster,
    names: place.names,
    application: place.site.application,
    custodianPassword: CUSTODIAN_PASSWORD,
    exclusive: true,
    bridges: false,
  }).custodian
}

async function roleOf(user: string): Promise<Record<string, unknown>> {
  const { rows } = await ledger.query(
    `select r.*, array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid
       where m.member = r.oid) as groups from pg_authid r where r.rolname = $1`,
    [user],
  )
  return rows[0] ?? {}
}

test('a login is bounded in time, connections and rights, and known by its verifier only', async () => {
  const { credential, expires_at } = await lease()
  const role = await roleOf(credential.user)
  assert.deepEqual(role['rolvaliduntil'], expires_at)
  assert.equal(role['rolconnlimit'], BUDGET_DEFAULT.connectionsPerLogin)
  assert.deepEqual(role['groups'], ['rf_pooled_write'])
  assert.match(String(role['rolpassword']), /^SCRAM-SHA-256\$4096:/)
  for (const right of ['super', 'createrole', 'createdb', 'replication', 'bypassrls']) {
    assert.equal(role[`rol${right}`], false, right)
  }
  await place.boundary.revoke(ACME)
  const closed = await roleOf(credential.user)
  assert.equal(closed['rolcanlogin'], false)
  assert.equal(closed['rolpassword'], null)
  assert.equal(closed['rolconnlimit'], 0)
})

test('a lease does not live longer because the server’s clock was set back', async () => {
  const [kept, early] = [await lease('read'), await lease('write')]
  const client = await connected({ ...place.cluster.admin, ...early.credential })
  // As a clock that goes back by an hour makes them look: begun in an hour, and ended after that.
  await ledger.query(
    `update custody.lease set issued_at = issued_at + interval '1 hour',
       expires_at = expires_at + interval '1 hour' where lease_id = $1`,
    [early.lease_id],
  )
  const swept = await place.boundary.sweep()
  assert.equal(swept.leasesExpired, 1)
  await assert.rejects(client.query('select 1'))
  assert.equal(await opens(early.credential), false)
  assert.ok(await opens(kept.credential))
  const records = await place.boundary.leases(ACME)
  const ended = records.find(({ lease_id }) => lease_id === early.lease_id)
  assert.equal(ended?.ended_why, 'clock set back')
  assert.deepEqual(await auditLedger(ledger, place.names), [])
  await place.boundary.revoke(ACME)
})

test('PostgreSQL accepts a verifier that was made here, and no other password', async () => {
  const password = newPassword()
  const name = 'verifier_trial'
  const verifier = await scramVerifier(password)
  await ledger.query(`create role ${name} login password '${verifier}'`)
  await ledger.query(`grant connect on database ${place.names.pooledDatabase} to ${name}`)
  const { host, port } = place.cluster.admin
  const credential = { host, port, user: name, password, database: place.names.pooledDatabase }
  assert.ok(await opens(credential))
  assert.equal(await opens({ ...credential, password: newPassword() }), false)
  assert.equal(await opens({ ...credential, password: verifier }), false)
  await ledger.query(`drop owned by ${name}; drop role ${name}`)
})

test('a tenant has so many logins at once; then it is denied, alone, until one is free', async () => {
  const taken = []
  for (let slot = 0; slot < LOGIN_SLOTS; slot += 1) taken.push(await lease())
  assert.equal(new Set(taken.map(({ credential }) => credential.user)).size, LOGIN_SLOTS)
  const denied = { name: 'RingfenceError', code: 'lease_denied' }
  await assert.rejects(lease(), denied)
  assert.ok(await opens((await lease('read')).credential), 'another scope')
  assert.ok(await opens((await lease('write', 600, OTHER)).credential), 'another tenant')
  for (const one of taken) assert.ok(await opens(one.credential))
  const [freed] = taken
  assert.ok(freed)
  await place.boundary.revoke(ACME, freed.lease_id)
  const again = await lease('write', 1)
  assert.equal(again.credential.user, freed.credential.user)
  assert.ok(await opens(again.credential))
  assert.equal(await opens(freed.credential), false)
  await assert.rejects(lease(), denied)
  await sleep(again.expires_at.getTime() - Date.now() + 50)
  await place.boundary.sweep()
  assert.ok(await opens((await lease()).credential))
  await place.boundary.revoke(ACME)
  await place.boundary.revoke(OTHER)
})

test('more at once than there are logins: each is given once, the rest are denied', async () => {
  const asked = await Promise.allSettled(Array.from({ length: LOGIN_SLOTS + 4 }, () => lease()))
  const given = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  assert.equal(new Set(given.map(({ credential }) => credential.user)).size, LOGIN_SLOTS)
  for (const one of asked) {
    if (one.status === 'fulfilled') continue
    assert.ok(one.reason instanceof RingfenceError)
    assert.equal(one.reason.code, 'lease_denied')
  }
  assert.deepEqual(await auditLedger(ledger, place.names), [])
  await place.boundary.revoke(ACME)
})

test('a login that is used again has no setting, password or session of its earlier life', async () => {
  const first = await lease()
  const { user } = first.credential
  const database = place.names.pooledDatabase
  const client = await place.connect(first.credential)
  await client.query(`alter role ${user} set search_path = nowhere`)
  await client.query(`alter role ${user} in database ${database} set work_mem = '1GB'`)
  await client.query(`alter role ${user} password 'known to the tenant'`)
  assert.ok(await opens({ ...first.credential, password: 'known to the tenant' }))
  await place.boundary.revoke(ACME)
  const second = await lease()
  assert.equal(second.credential.user, user)
  const { rows } = await ledger.query(
    'select s.* from pg_db_role_setting s join pg_roles r on r.oid = s.setrole where r.rolname = $1',
    [user],
  )
  assert.deepEqual(rows, [])
  assert.equal(await opens({ ...first.credential, password: 'known to the tenant' }), false)
  assert.equal(await opens(first.credential), false)
  await assert.rejects(client.query('select 1'))
  await place.boundary.revoke(ACME)
})

test('ending a lease does not wait for the next lease of the same login', async () => {
  const [one, other] = [anotherCustodian(), anotherCustodian()]
  const first = await open()
  await Promise.all([
    one.end(ACME, first.leaseId, 'revoked'),
    other.end(ACME, first.leaseId, 'revoked'),
  ])
  const second = await open()
  assert.equal(second.user, first.user)
  const session = await connected({ ...place.cluster.admin, ...second })
  const { leases, sessionsEnded } = await one.end(ACME, first.leaseId, 'revoked')
  assert.deepEqual({ leases, sessionsEnded }, { leases: [], sessionsEnded: 0 })
  await session.query('select 1')
  await session.end()
  await Promise.all([one.close(), other.close()])
  await place.boundary.revoke(ACME)
})

test('the ledger forgets leases that ended three months ago, and no others', async () => {
  const [old, ended, live] = [await lease(), await lease(), await lease()]
  await place.boundary.revoke(ACME, old.lease_id)
  await place.boundary.revoke(ACME, ended.lease_id)
  const past = `update custody.lease set ended_at = now() - interval '91 days' where lease_id = $1`
  await ledger.query(past, [old.lease_id])
  await place.boundary.sweep()
  const ids = (await place.boundary.leases(ACME)).map((record) => record.lease_id)
  assert.ok(!ids.includes(old.lease_id))
  assert.ok(ids.includes(ended.lease_id) && ids.includes(live.lease_id))
  assert.ok(await opens(live.credential))
  await place.boundary.revoke(ACME)
})

test('three processes that lease, end and sweep at random leave ledger and logins in step', async () => {
  const custodians = [place.site.custodian, anotherCustodian(), anotherCustodian()]
  await Promise.all(
    custodians.map(async (custodian, seed) => {
      for (let step = 0; step < 25; step += 1) {
        const id = (seed + step) % 2 === 0 ? ACME : OTHER
        try {
          const login = await open(custodian, id)
          await opens({ ...place.cluster.admin, ...login })
          if (step % 3 !== 0) await custodian.end(id, login.leaseId, 'revoked')
        } catch (error) {
          assert.ok(error instanceof RingfenceError, inspect(error))
          assert.equal(error.code, 'lease_denied', inspect(error))
          await custodian.end(id, undefined, 'revoked')
        }
        if (step % 5 === 0) await custodian.sweep(BUDGET_DEFAULT)
      }
    }),
  )
  assert.deepEqual(await auditLedger(ledger, place.names), [])
  await Promise.all(custodians.slice(1).map((custodian) => custodian.close()))
  await place.boundary.revoke(ACME)
  await place.boundary.revoke(OTHER)
  assert.deepEqual(await auditLedger(ledger, place.names), [])
})

function assertAbsent(secrets: readonly string[], text: string): void {
  for (const secret of secrets) {
    const at = text.indexOf(secret)
    assert.equal(at, -1, `a secret is here: …${text.slice(Math.max(0, at - 200), at)}`)
  }
}

test('no password or verifier is in the log, in the list of sessions or in an error', async () => {
  const secrets: string[] = [CUSTODIAN_PASSWORD]
  // The superuser sees what tenants themselves write into statements; the log must not.
  const typed: string[] = []
  const seen: string[] = []
  const watching = new AbortController()
  const watch = (async () => {
    while (!watching.signal.aborted) {
      seen.push(JSON.stringify((await ledger.query('select * from pg_stat_activity')).rows))
    }
  })()
  for (let round = 0; round < 10; round += 1) {
    const { credential } = await lease()
    secrets.push(credential.password)
    const planted = `planted-${newPassword()}`
    typed.push(planted)
    const client = await place.connect(credential)
    for (const sql of [
      `alter role ${credential.user} password '${planted}' nonsense`,
      `alter role postgres password '${planted}'`,
      `select '${planted}'::int`,
    ]) {
      await assert.rejects(client.query(sql))
    }
    secrets.push(String((await roleOf(credential.user))['rolpassword']))
    await opens({ ...credential, password: planted })
    await place.boundary.revoke(ACME)
  }
  for (const bad of [
    () => place.boundary.lease(tenant('nobody'), { scope: 'read', holder: 'test' }),
    () => place.boundary.lease(ACME, { scope: 'read', holder: 'test', ttlSeconds: -1 }),
  ]) {
    await bad().catch((error: unknown) => seen.push(inspect(error, { depth: 9 })))
  }
  watching.abort()
  await watch
  assert.ok(place.log.length > 0 && seen.length > 2)
  assertAbsent(secrets, [...seen, ...place.log].join('\n'))
  assertAbsent(typed, place.log.join('\n'))
})
