import assert from 'node:assert/strict'
import { join } from 'node:path'
import { mock, test } from 'node:test'
import { scratch } from '../../src/clusters/scratch.test-support.ts'
import { until } from '../../src/core/until.test-support.ts'
import { Feed } from '../../src/front-door/house/feed.ts'
import { samplePlatform, sampleTenant } from '../../src/snapshot/sample.test-support.ts'
import { SnapshotFollower } from '../../src/snapshot/snapshot-follower.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

test('a process whose clock was set back serves nobody, also after a restart, until it is right again', async (t) => {
  const key = await SigningKey.create('EdDSA')
  const feed = new Feed(key)
  await feed.publish({ platform: samplePlatform, tenants: [sampleTenant('acme')] })
  const directory = join(scratch(t), 'snapshot')
  const troubles: string[] = []
  const follow = async () => {
    const follower = await SnapshotFollower.open({
      ...{ directory, keys: [key.publicJwk], database: feed.store, pollMs: 5 },
      onTrouble: ({ message }) => troubles.push(message),
    })
    t.after(() => follower.close())
    return follower
  }
  const isServed = (follower: SnapshotFollower) => {
    try {
      return follower.current().version > 0
    } catch {
      return false
    }
  }
  const first = await follow()
  await first.ready()
  const confirmed = new Date()
  await feed.confirm(confirmed)
  await until(() => first.current().confirmedAt.getTime() === confirmed.getTime())

  const start = Date.now()
  mock.timers.enable({ apis: ['Date'], now: start - HOUR_MS })
  t.after(() => mock.timers.reset())
  assert.equal(isServed(first), false)
  // The control plane's clock is right, and its words are from the future here.
  await feed.publish({ tenants: [sampleTenant('globex')], at: new Date(start + 1) })
  await feed.confirm(new Date(start + 1))
  await until(() => troubles.some((trouble) => trouble.includes('in the future')))
  assert.equal(isServed(first), false)
  await first.close()
  const second = await follow()
  const changes: number[] = []
  second.onChange((_, { version }) => changes.push(version))
  await until(() => troubles.filter((one) => one.includes('in the future')).length > 1)
  assert.equal(isServed(second), false)

  mock.timers.setTime(start)
  feed.tell()
  await until(() => isServed(second))

  await t.test('when the whole machine goes back, it serves as soon as it is told so', async () => {
    mock.timers.setTime(start - HOUR_MS)
    assert.equal(isServed(second), false)
    await feed.confirm(new Date(start - HOUR_MS))
    await until(() => isServed(second))
    mock.timers.setTime(start)
    await feed.confirm(new Date(start))
    await until(() => second.current().confirmedAt.getTime() === start)
  })

  await t.test(
    'set forward by days it serves nobody, whatever it is told, until it is right again',
    async () => {
      mock.timers.setTime(start + 2 * DAY_MS)
      assert.equal(isServed(second), false)
      await feed.confirm(new Date(start + 2))
      const version = await feed.publish({
        tenants: [sampleTenant('initech')],
        at: new Date(start + 3),
      })
      await until(() => changes.includes(version))
      assert.equal(isServed(second), false)
      mock.timers.setTime(start + 3)
      assert.equal(isServed(second), true)
      assert.equal(second.current().version, version)
    },
  )

  await t.test('a day later it serves as soon as it is told so', async () => {
    mock.timers.setTime(start + DAY_MS + 4)
    assert.equal(isServed(second), false)
    await feed.confirm(new Date(start + DAY_MS + 4))
    await until(() => isServed(second))
  })
})
