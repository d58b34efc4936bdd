import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type ControlSite,
  fillCatalogue,
  jane,
  onboarded,
  startControlSite,
  succeeded,
} from './control-site.test-support.ts'
import { Database } from './database.ts'
import type { OpenControlPlane } from './open-control-plane.ts'
import { RealmRefresh } from './realm-refresh.ts'
import { TenantChanges } from './tenant-changes.ts'

let site: ControlSite
let plane: OpenControlPlane
let database: Database
let refresh: RealmRefresh

before(async () => {
  site = await startControlSite()
  plane = await site.open()
  await fillCatalogue(plane)
  database = new Database(site.settings.rf_control)
  refresh = new RealmRefresh({
    database,
    realms: site.ports.realms,
    changes: new TenantChanges(site.keys.snapshot),
    log: () => {},
  })
})
after(async () => {
  await database?.close()
  await site?.stop()
})

async function published(id: string): Promise<readonly string[]> {
  const rows = await site.ask<{ kid: string }>(
    `select json_array_elements(config -> 'keys') ->> 'kid' as kid from snapshot.tenant where id = $1`,
    [id],
  )
  return rows.map(({ kid }) => kid)
}

test('a realm’s next key is published, and nothing is when there is none', async () => {
  await onboarded(plane, 'acme')
  assert.equal(await refresh.refresh(), 0)
  await site.askFake(`update fake.realm set kid = 'next' where tenant = 'acme'`)
  assert.equal(await refresh.refresh(), 1)
  assert.deepEqual(await published('acme'), ['next'])
  assert.equal(await refresh.refresh(), 0)
})

test('a realm that moved to another address takes its tenant along', async () => {
  await onboarded(plane, 'mover')
  await site.askFake(`update fake.realm set issuer = 'https://new.example.test/realms/mover'
                       where tenant = 'mover'`)
  assert.equal(await refresh.refresh(), 1)
  const { items } = await plane.tenants.list({}, { limit: 10 })
  const mover = items.find(({ id }) => id === 'mover')
  assert.equal(mover?.issuer, 'https://new.example.test/realms/mover')
})

test('a realm that is gone is not made again', async () => {
  const gone = await onboarded(plane, 'gone')
  await succeeded(plane, await plane.tenants.offboard(gone, { purge: true, why: 'left' }, jane))
  await refresh.refresh()
  assert.deepEqual(await site.askFake(`select from fake.realm where tenant = 'gone'`), [])
})
