import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ErrorCode } from '../../core/errors.ts'
import { parseCellName, parseRegion } from '../../core/tenant.ts'
import { ident } from './connection.ts'
import { PostgresBoundary } from './postgres-boundary.ts'
import {
  connected,
  startTestSite,
  tenant,
  tenantOf,
  type TestSite,
} from './test-site.test-support.ts'

let place: TestSite

before(async () => {
  place = await startTestSite({ bridges: true })
})
after(() => place?.stop())

const refused = (work: Promise<unknown>, code: ErrorCode) =>
  assert.rejects(work, { name: 'RingfenceError', code })

const lease = (id: string) => place.boundary.lease(tenant(id), { scope: 'write', holder: 'test' })

test('a credential connects to its tenant’s database and to no other of the server', async () => {
  for (const [id, tier] of [
    ['pooled-one', 'pooled'],
    ['bridge-one', 'bridge'],
    ['bridge-two', 'bridge'],
  ] as const) {
    await place.provision(id, tier)
  }
  const admin = await place.admin('postgres')
  const { rows } = await admin.query<{ datname: string }>('select datname from pg_database')
  assert.ok(rows.length >= 7)
  for (const id of ['pooled-one', 'bridge-one', 'bridge-two']) {
    const { credential } = await lease(id)
    for (const { datname: database } of rows) {
      const attempt = connected({ ...credential, database })
      if (database === credential.database) await (await attempt).end()
      else await assert.rejects(attempt, /./, `${id} connects to ${database}`)
    }
  }
})

test('a placement names no tenant: its key is opaque, and so is what is named after it', async () => {
  const placement = await place.provision('bridge-one', 'bridge')
  assert.match(placement.key, /^[0-9a-f-]{36}$/)
  assert.equal(placement.place, `rf_${placement.key.replaceAll('-', '')}`)
  assert.ok(!(await lease('bridge-one')).credential.user.includes('bridge'))
})

test('a tenant is not provisioned a second time elsewhere', async () => {
  await place.provision('settled')
  await refused(place.provision('settled', 'bridge'), 'invalid_argument')
  const moved = { ...tenantOf('settled', 'pooled'), region: parseRegion('us-east') }
  await refused(place.boundary.provision(moved), 'invalid_argument')
  assert.equal((await lease('settled')).tier, 'pooled')
})

test('a cell that starts no servers refuses silos, and has the other tiers', async () => {
  const boundary = new PostgresBoundary({ cell: parseCellName('plain'), site: place.site })
  assert.deepEqual(boundary.tiers, ['pooled', 'bridge'])
  await refused(boundary.provision(tenantOf('alone', 'silo')), 'engine_unsupported')
  assert.equal(await place.site.custodian.find(tenant('alone')), undefined)
  await refused(boundary.rehearse('pooled', []), 'engine_unsupported')
})

test('a bridge that failed halfway is finished by the same call', async () => {
  const admin = await place.admin('postgres')
  const { templateDatabase } = place.names
  await admin.query(`alter database ${templateDatabase} rename to elsewhere`)
  await refused(place.provision('halfway', 'bridge'), 'internal')
  await refused(lease('halfway'), 'tenant_unknown')
  await admin.query(`alter database elsewhere rename to ${templateDatabase}`)
  const placement = await place.provision('halfway', 'bridge')
  await (await place.login('halfway')).query('select * from notes.note')
  // Killed after the database was made and before it was opened.
  const ledger = await place.admin(place.names.custodyDatabase)
  await place.boundary.revoke(tenant('halfway'))
  await ledger.query(
    `update custody.tenant set status = 'provisioning' where tenant_id = 'halfway'`,
  )
  await admin.query(`alter database ${ident(placement.place)} allow_connections false`)
  assert.deepEqual(await place.provision('halfway', 'bridge'), placement)
  await (await place.login('halfway')).query('select * from notes.note')
})

test('a tenant that is half erased gets no lease and no new place until that is finished', async () => {
  await place.provision('leaving')
  const client = await place.login('leaving')
  await client.query(`insert into notes.note (body) values ('kept so far')`)
  const admin = await place.admin()
  await admin.query(`alter database ${place.names.pooledDatabase} set lock_timeout = '200ms'`)
  await admin.query('begin; lock table notes.note in share mode')
  await refused(place.boundary.erase(tenant('leaving')), 'timed_out')
  await assert.rejects(client.query('select 1'))
  await refused(lease('leaving'), 'tenant_unknown')
  await refused(place.provision('leaving'), 'tenant_not_active')
  await admin.query('commit')
  const { deleted } = await place.boundary.erase(tenant('leaving'))
  assert.equal(deleted.find((one) => one.item === 'note')?.count, 1)
  await place.provision('leaving')
  await lease('leaving')
})

test('what the server does not measure is left out of what tenants cost, and not told as nothing', async () => {
  await place.provision('measured')
  const costs = (await place.boundary.costs()).filter(({ tenant }) => tenant === 'measured')
  assert.deepEqual(
    costs.map(({ kind }) => kind),
    ['storage'],
  )
})
