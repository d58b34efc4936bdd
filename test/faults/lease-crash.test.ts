import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import {
  auditLedger,
  sessionsOfEnded,
} from '../../src/boundaries/postgres/leases/audit-ledger.test-support.ts'
import { LOGIN_SLOTS } from '../../src/boundaries/postgres/names.ts'
import {
  opens,
  startTestSite,
  tenant,
  type TestSite,
  until,
} from '../../src/boundaries/postgres/test-site.test-support.ts'
import { killAtRandom } from './kill-at-random.test-support.ts'
import { killAt } from './victim.test-support.ts'

const ACME = tenant('acme')
let place: TestSite
let ledger: pg.Client

before(async () => {
  place = await startTestSite({ bridges: true })
  ledger = await place.admin(place.names.custodyDatabase)
  await place.provision('acme')
})
after(() => place?.stop())

const lease = () => place.boundary.lease(ACME, { scope: 'write', holder: 'survivor' })
const liveLeases = async () =>
  (await place.boundary.leases(ACME)).filter((record) => record.ended_at === undefined)

/** Waits until the server has noticed that the killed process's connections are gone. */
async function noticed(): Promise<void> {
  await until(async () => {
    const { rowCount } = await ledger.query(
      `select from pg_stat_activity where usename = $1 and state like 'idle in transaction%'`,
      [place.names.custodian],
    )
    return rowCount === 0
  })
}

async function assertInStep(): Promise<void> {
  assert.deepEqual(await auditLedger(ledger, place.names), [])
}

test('killed before the commit of a lease: no entry, and no login', async () => {
  await killAt('lease recorded, not committed', place, 'acme')
  await noticed()
  assert.deepEqual(await liveLeases(), [])
  const { rowCount } = await ledger.query(`select from pg_roles where rolname ~ '_w0$'`)
  assert.equal(rowCount, 0)
  await assertInStep()
})

test('killed after the commit of a lease: an entry that expires, and its login with it', async () => {
  await killAt('lease committed, nobody told', place, 'acme')
  const [orphan, ...more] = await liveLeases()
  assert.equal(orphan?.holder, 'victim')
  assert.deepEqual(more, [])
  await assertInStep()
  await sleep(orphan.expires_at.getTime() - Date.now() + 20)
  assert.equal((await place.boundary.sweep()).leasesExpired, 1)
  assert.deepEqual(await liveLeases(), [])
  await assertInStep()
})

test('killed while its lease is in use: the session does not outlive the lease', async () => {
  await killAt('lease in use', place, 'acme')
  await assertInStep()
  await sleep(1100)
  await place.boundary.sweep()
  assert.deepEqual(await liveLeases(), [])
  assert.deepEqual(await sessionsOfEnded(ledger, place.names), [])
  await assertInStep()
})

test('killed before the commit of a revocation: the lease goes on', async () => {
  const { credential } = await lease()
  await killAt('lease ended, not committed', place, 'acme')
  await noticed()
  assert.ok(await opens(credential))
  assert.equal((await liveLeases()).length, 1)
  await assertInStep()
  await place.boundary.revoke(ACME)
})

test('killed between a revocation and the end of its sessions: the next sweep ends them', async () => {
  const leases = await Promise.all(Array.from({ length: LOGIN_SLOTS }, lease))
  const sessions = await Promise.all(leases.map((one) => place.connect(one.credential)))
  await killAt('lease ended, sessions alive', place, 'acme')
  for (const { credential } of leases) assert.equal(await opens(credential), false)
  // Their logins are not given out again while sessions of before are alive.
  await assert.rejects(lease(), { code: 'lease_denied' })
  const swept = await place.boundary.sweep()
  assert.equal(swept.sessionsEnded, sessions.length)
  assert.equal(swept.leasesExpired, 0)
  for (const session of sessions) await assert.rejects(session.query('select 1'))
  assert.ok(await opens((await lease()).credential))
  await place.boundary.revoke(ACME)
  await assertInStep()
})

for (const point of ['bridge reserved, not made', 'bridge made, not activated'] as const) {
  test(`killed with a ${point}: no lease, and the next call finishes it`, async () => {
    const id = `bridge-${point.includes('made, ') ? 'made' : 'reserved'}`
    await killAt(point, place, id)
    await assert.rejects(place.boundary.lease(tenant(id), { scope: 'read', holder: 'x' }), {
      code: 'tenant_unknown',
    })
    const placement = await place.provision(id, 'bridge')
    assert.deepEqual(await place.provision(id, 'bridge'), placement)
    const client = await place.login(id)
    assert.deepEqual((await client.query('select * from notes.note')).rows, [])
  })
}

test('killed while erasing: nothing can be leased, and the next call finishes it', async () => {
  await place.provision('leaving')
  const client = await place.login('leaving')
  await client.query(`insert into notes.note (body) values ('to be erased')`)
  await killAt('rows deleted, tenant not forgotten', place, 'leaving')
  await assert.rejects(client.query('select 1'))
  await assert.rejects(place.login('leaving'), { code: 'tenant_unknown' })
  const { probes } = await place.boundary.erase(tenant('leaving'))
  assert.ok(probes.every((probe) => probe.found === 0))
  await place.provision('leaving')
  assert.equal((await (await place.login('leaving')).query('table notes.note')).rowCount, 0)
})

test('killed at any moment, five times over: ledger and logins are in step at every other', async () => {
  await killAtRandom(place, ledger, 5)
})
