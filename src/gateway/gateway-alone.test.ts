import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scratch, started } from '../clusters/scratch.test-support.ts'
import {
  connected,
  freshSchema,
  publishing,
  reached,
} from '../snapshot/control-database.test-support.ts'
import { samplePlatform } from '../snapshot/sample.test-support.ts'
import { SnapshotFollower } from '../snapshot/snapshot-follower.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { AUDIENCE, openDoor, tenantConfig, tokenOf, until } from './door.test-support.ts'

test('with the control database gone no request fails, and a restart serves as before', async (t) => {
  const cluster = await started(t, {
    directory: `${scratch(t)}/control`,
    settings: { fsync: 'off' },
  })
  const key = await SigningKey.create('EdDSA')
  const client = await connected(cluster.admin)
  await freshSchema(client)
  const directory = `${scratch(t)}/snapshot`
  const follow = async () => {
    const follower = await SnapshotFollower.open({
      directory,
      keys: [key.publicJwk],
      database: cluster.admin,
    })
    t.after(() => follower.close())
    return follower
  }
  const source = await follow()
  const door = await openDoor(t, { source })
  const services = door.source.current().platform.services
  const platform = { ...samplePlatform, audience: AUDIENCE, services: [...services] }
  const plans = platform.plans.map((plan) => ({ ...plan, requestsPerMinute: 10 ** 6 }))
  const tenants = [tenantConfig('acme'), tenantConfig('globex')]
  await publishing(client, key, { platform: { ...platform, plans }, tenants })
  const suspended = [tenantConfig('globex', { status: 'suspended' })]
  await reached(source, await publishing(client, key, { tenants: suspended }))

  const statuses = new Map<number, number>()
  const stop = new AbortController()
  const load = Array.from({ length: 4 }, async () => {
    const token = tokenOf('acme')
    while (!stop.signal.aborted) {
      const { status } = await door.ask({ path: '/t/acme/clinic/x', token })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  })
  const served = () => statuses.get(200) ?? 0
  await until(() => served() > 50)
  await client.end()
  await cluster.stop()
  const before = served()
  await until(() => served() > before + 500)
  stop.abort()
  await Promise.all(load)
  assert.deepEqual([...statuses.keys()], [200])

  await source.close()
  const again = await openDoor(t, { source: await follow() })
  const ask = async (tenant: string) =>
    (await again.ask({ path: `/t/${tenant}/clinic/x`, token: tokenOf(tenant) })).status
  // The service of before is still where the configuration says.
  assert.equal(await ask('acme'), 200)
  assert.equal(await ask('globex'), 401)
})
