import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { EmbeddedCluster } from '../../clusters/embedded-cluster.ts'
import { newTenantKey, tenantKey } from './names.ts'
import { Silos } from './silos.ts'
import {
  NOTES,
  THROW_AWAY,
  opens,
  startTestSite,
  tenant,
  type TestSite,
  until,
} from './test-site.test-support.ts'

const ACME = tenant('acme')
let place: TestSite
let directory: string

before(async () => {
  place = await startTestSite()
  directory = join(place.directory, 'silos')
  await place.provision('acme', 'silo')
})
after(() => place?.stop())

/** The silos of the next process, on the same directory. */
const sameSilos = () =>
  new Silos({ directory, names: place.names, application: NOTES, settings: THROW_AWAY })

const lease = () => place.boundary.lease(ACME, { scope: 'write', holder: 'test' })

const pidOf = async (): Promise<number> => {
  const found = await place.boundary.find(ACME)
  assert.ok(found)
  return (found.site.cluster as EmbeddedCluster).pid
}

test('a silo has a server, a custodian and roles of its own', async () => {
  const { credential } = await lease()
  assert.notEqual(credential.host, place.cluster.admin.host)
  const found = await place.boundary.find(ACME)
  assert.ok(found)
  const silo = await place.connect(found.site.admin(found.database))
  const here = await silo.query(`select 1 from pg_roles where rolname = $1`, [credential.user])
  const cell = await place.admin()
  const there = await cell.query(`select 1 from pg_roles where rolname = $1`, [credential.user])
  assert.deepEqual([here.rowCount, there.rowCount], [1, 0])
  assert.equal(await opens({ ...credential, host: place.cluster.admin.host }), false)
})

test('a silo whose server was killed is started again by the next who needs it', async () => {
  const client = await place.login('acme')
  await client.query(`insert into notes.note (body) values ('before the kill')`)
  const pid = await pidOf()
  process.kill(pid, 'SIGKILL')
  await until(async () => (await pidOf().catch(() => pid)) !== pid)
  const after = await place.login('acme')
  const { rows } = await after.query('select body from notes.note')
  assert.deepEqual(rows, [{ body: 'before the kill' }])
  await place.boundary.sweep()
})

test('a silo whose server was killed runs again after a sweep, for those who hold a lease', async () => {
  const { credential } = await lease()
  const pid = await pidOf()
  process.kill(pid, 'SIGKILL')
  await until(async () => {
    await place.boundary.sweep().catch(() => {})
    return opens(credential)
  })
  assert.notEqual(await pidOf(), pid)
})

test('one server that is down does not keep the others from being swept, and is reported', async () => {
  await place.provision('near')
  const short = { scope: 'write', holder: 'test', ttlSeconds: 1 } as const
  const near = await place.boundary.lease(tenant('near'), short)
  const session = await place.connect(near.credential)
  const found = await place.boundary.find(ACME)
  assert.ok(found)
  await found.site.close()
  await new Promise((resolve) => setTimeout(resolve, 1100))
  await assert.rejects(place.boundary.sweep(), { code: 'engine_unavailable' })
  await assert.rejects(session.query('select 1'))
  const pid = await pidOf()
  process.kill(pid, 'SIGKILL')
  await until(async () => (await pidOf().catch(() => pid)) !== pid)
})

test('a silo keeps its data and its leases over a stop, and secrets are for us alone', async () => {
  const held = await lease()
  const found = await place.boundary.find(ACME)
  assert.ok(found)
  await place.boundary.close()
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.custodian'))) {
    assert.equal(statSync(join(directory, file)).mode & 0o077, 0, file)
  }
  const silos = sameSilos()
  try {
    const site = await silos.open(found.key)
    const credential = { ...held.credential, host: site.cluster.admin.host }
    assert.ok(await opens(credential))
    assert.equal((await site.custodian.find(ACME))?.status, 'active')
  } finally {
    await silos.close()
  }
})

test('a silo that was never made, or is being removed, is not made by asking for it', async () => {
  const silos = sameSilos()
  const key = newTenantKey()
  const unknown = { name: 'RingfenceError', code: 'tenant_unknown' }
  try {
    await assert.rejects(silos.open(key), unknown)
    const [one, other] = await Promise.all([silos.create(key), silos.create(key)])
    assert.equal(one, other)
    const removing = silos.remove(key)
    await assert.rejects(silos.open(key), unknown)
    await removing
    await assert.rejects(silos.open(key), unknown)
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith(key)),
      [],
    )
    await silos.remove(key)
  } finally {
    await silos.close()
  }
})

test('a silo that was half made before a crash is completed', async () => {
  const key = tenantKey(newTenantKey())
  const first = sameSilos()
  const made = await first.create(key)
  const { pooledDatabase } = made.names
  await first.close()
  // As if the process had been killed before it had noted that everything is installed.
  rmSync(join(directory, `${key}.installed`))
  rmSync(join(directory, `${key}.custodian`))
  const second = sameSilos()
  try {
    const site = await second.open(key)
    assert.ok(await site.hasDatabase(pooledDatabase))
    assert.equal(await site.custodian.find(ACME), undefined)
    assert.ok(existsSync(join(directory, `${key}.installed`)))
  } finally {
    await second.close()
  }
})

test('a silo that was killed while it was removed is never started again, and removed by the next', async () => {
  const silos = sameSilos()
  const key = newTenantKey()
  await silos.create(key)
  await silos.close()
  rmSync(join(directory, key, 'data', 'global'), { recursive: true })
  writeFileSync(join(directory, `${key}.removing`), '')
  const next = sameSilos()
  await assert.rejects(next.open(key), { code: 'tenant_unknown' })
  await next.remove(key)
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.startsWith(key)),
    [],
  )
})
