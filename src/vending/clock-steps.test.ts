import assert from 'node:assert/strict'
import { afterEach, beforeEach, type TestContext, test } from 'node:test'
import { parseTenantId } from '../core/tenant.ts'
import { LeaseCache, type LeaseOrder } from './lease-cache.ts'
import { MemoryLeaser } from './memory-leaser.test-support.ts'
import { ask, given, openWorld, type World } from './world.test-support.ts'

const HOUR_MS = 3_600_000
const ACME = parseTenantId('acme')

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

/** Clocks of which the wall's is set at will. The engine's own are right. */
function setting(t: TestContext) {
  const clocks = { wall: Date.now(), steady: 0 }
  const leaser = new MemoryLeaser()
  const cache = new LeaseCache({
    leaserOf: () => leaser,
    clocks: () => ({ ...clocks }),
    end: () => t.assert.fail('nothing was forgotten'),
  })
  const order: LeaseOrder = {
    ...{ tenant: ACME, cell: leaser.cell, tier: 'pooled', scope: 'read', holder: 'web' },
    seconds: 600,
  }
  const pass = (seconds: number, step = 0) => {
    clocks.steady += seconds * 1000
    clocks.wall += seconds * 1000 + step
  }
  return { leaser, cache, pass, lease: async () => (await cache.get(order)).lease }
}

test('a lease is handed out no longer because the clock was set back', async (t) => {
  const { cache, pass, lease } = setting(t)
  const first = await lease()
  pass(60, -HOUR_MS)
  assert.equal(await lease(), first)
  assert.equal(cache.secondsLeft(first), 540)
  pass(539)
  assert.notEqual((await lease()).lease_id, first.lease_id)
})

test('where the clock is ahead of the engine’s, leases are given out with all of their life, and one serves all', async (t) => {
  const { leaser, cache, pass, lease } = setting(t)
  const before = await lease()
  pass(1, HOUR_MS)
  const first = await lease()
  assert.notEqual(first, before)
  assert.equal(cache.secondsLeft(first), 600)
  pass(10)
  assert.equal(await lease(), first)
  assert.equal(leaser.records.length, 2)
})

test('a lease asks for no more life than any may have, however wrong the clock is', async (t) => {
  for (const step of [-HOUR_MS, HOUR_MS]) {
    const { leaser, pass, lease } = setting(t)
    pass(0, step)
    await lease()
    const [record] = leaser.records
    assert.equal(Number(record?.expires_at) - Number(record?.issued_at), 600_000)
  }
})

for (const [name, step] of [
  ['ahead', HOUR_MS],
  ['back', -60_000],
] as const) {
  test(`a lease is ended when it is revoked, also where the clock was set ${name} since, and after a restart`, async (t) => {
    const first = await given(ask(world))
    const other = await given(ask(world, { fields: { scope: 'write' } }))
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + step })
    await given(ask(world, { path: '/v1/leases/revoke', fields: { lease_id: first.lease_id } }))
    await world.restart()
    const fields = { lease_id: other.lease_id }
    await given(ask(world, { path: '/v1/leases/revoke', fields }))
    assert.ok(world.leaser.records.every(({ ended_at }) => ended_at !== undefined))
  })
}

test('a lease that another process gave is ended too, by whatever clock it is over', async (t) => {
  const order = { scope: 'read', holder: 'clinic-web', ttlSeconds: 60 } as const
  const { lease_id } = await world.leaser.lease(ACME, order)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + HOUR_MS })
  await given(ask(world, { path: '/v1/leases/revoke', fields: { lease_id } }))
  assert.ok(world.leaser.records.every(({ ended_at }) => ended_at !== undefined))
})
