import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Cluster } from '../../../clusters/cluster.ts'
import { parseTenantId } from '../../../core/tenant.ts'
import { withClient } from '../connection.ts'
import { newPassword } from '../../../clusters/scram.ts'
import { namesFor } from '../names.ts'
import { GROUND } from '../rehearsal/ground.ts'
import { settle } from '../rehearsal/settle.ts'
import { Site } from '../site.ts'
import { startTestSite, type TestSite } from '../test-site.test-support.ts'
import { inspectSite } from './inspect.ts'
import { wide } from './rule-trials.test-support.ts'

let owner: TestSite
let site: Site

// The server that somebody else runs is another test site's, with an installation of its own on it.
before(async () => {
  owner = await startTestSite()
  const cluster: Cluster = { ...owner.cluster, embedded: false, directory: undefined }
  site = await Site.open({
    cluster,
    names: namesFor('rfb', GROUND.name),
    application: GROUND,
    custodianPassword: newPassword(),
    exclusive: false,
    bridges: true,
  })
  const arena = await settle(GROUND, 'bridge', [parseTenantId('b')], [site])
  for (const side of arena.sides) await arena.login(side)
})
after(async () => {
  await site?.close()
  await owner?.stop()
})

const inspect = () => inspectSite(site, { throwAway: true })

test('databases and roles of others are nobody\u2019s business', async () => {
  await withClient(owner.cluster.admin, async (client) => {
    await client.query('create database shop')
    await client.query(`create role shopkeeper login superuser`)
    await client.query('create role clerk login; grant pg_read_all_data to clerk')
    await client.query('grant connect, temporary on database postgres to public')
  })
  assert.deepEqual(wide(await inspect()), [])
})

test('but that tenants were let into one of them is', async () => {
  await withClient(owner.cluster.admin, (client) =>
    client.query('grant connect on database shop to rfb_write'),
  )
  assert.deepEqual(wide(await inspect()), ['pg-other-database-open shop CONNECT to rfb_write'])
})

test('and so is a role of others in one of ours', async () => {
  await withClient(owner.cluster.admin, async (client) => {
    await client.query('revoke connect on database shop from rfb_write')
    await client.query('grant rfb_export to clerk')
  })
  assert.deepEqual(wide(await inspect()), ['pg-role-lent clerk in rfb_export'])
})
