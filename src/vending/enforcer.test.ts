import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import {
  ask,
  assertionOf,
  contextOf,
  given,
  KEYS,
  openWorld,
  type World,
} from './world.test-support.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

const live = (tenant?: string) => world.leaser.live(tenant).length
const away = () => new RingfenceError('engine_unavailable', 'away')
const settle = () => new Promise((resolve) => setImmediate(resolve))

async function lease(tenant = 'acme', scope = 'read'): Promise<string> {
  const fields = { scope, subject_token: await contextOf(tenant) }
  return (await given(ask(world, { fields }))).lease_id
}

describe('a tenant that is suspended', () => {
  test('has no lease any more, and gets none; others keep theirs', async () => {
    await lease('acme', 'read')
    await lease('acme', 'write')
    await lease('globex')
    world.configuration.change('acme', { status: 'suspended' })
    await world.vending.settled()
    assert.deepEqual([live('acme'), live('globex')], [0, 1])
    assert.equal((await ask(world)).status, 400)
    const ended = world.journal().filter(({ act }) => act === 'ended')
    assert.deepEqual(
      ended.map(({ tenant, reason, count }) => [tenant, reason, count]),
      [['acme', 'tenant-suspended', 2]],
    )
  })

  test('and let in again gets a new lease, not the one that was ended', async () => {
    const before = await lease()
    world.configuration.change('acme', { status: 'suspended' })
    await world.vending.settled()
    world.configuration.change('acme', { status: 'active' })
    const after = await lease()
    assert.notEqual(after, before)
    assert.equal(live('acme'), 1)
  })

  test('while a lease is being opened does not get that lease, and it is ended', async () => {
    const gate = Promise.withResolvers<void>()
    world.leaser.gate = gate.promise
    const asking = ask(world)
    // Until the engine has been asked: the request is then behind all checks.
    while (world.leaser.waiting === 0) await settle()
    world.configuration.change('acme', { status: 'suspended' })
    gate.resolve()
    const answer = await asking
    await world.vending.settled()
    assert.notEqual(answer.status, 200)
    assert.equal(live('acme'), 0)
  })

  test('while its cell is away loses its leases when the cell is back, however long that takes', async () => {
    await lease()
    world.leaser.failure = away()
    world.configuration.change('acme', { status: 'suspended' })
    while (!world.logged.some((line) => line.includes('trying again'))) await settle()
    assert.equal(live('acme'), 1)
    world.leaser.failure = undefined
    await world.vending.settled()
    assert.equal(live('acme'), 0)
  })

  test('and let in again before its cell was back keeps what it has been given since', async () => {
    const before = await lease()
    world.leaser.failure = away()
    world.configuration.change('acme', { status: 'suspended' })
    while (!world.logged.some((line) => line.includes('trying again'))) await settle()
    world.configuration.change('acme', { status: 'active' })
    world.leaser.failure = undefined
    const after = await lease()
    await world.vending.settled()
    assert.notEqual(after, before)
    assert.deepEqual(
      world.leaser.live('acme').map(({ lease_id }): string => lease_id),
      [after],
    )
  })

  test('while vending was down loses its leases when it starts', async () => {
    await lease()
    await world.restart(() => world.configuration.change('acme', { status: 'suspended' }))
    await world.vending.settled()
    assert.equal(live('acme'), 0)
  })
})

describe('other changes', () => {
  test('a change of the platform does not end once more what was ended before', async () => {
    world.configuration.change('acme', { status: 'suspended' })
    await world.vending.settled()
    const calls = world.leaser.revocations
    world.configuration.changePlatform({})
    await world.vending.settled()
    assert.equal(world.leaser.revocations, calls)
    world.configuration.change('acme', { status: 'active' })
    await lease('acme')
    world.configuration.change('acme', { status: 'suspended' })
    await world.vending.settled()
    assert.equal(live('acme'), 0)
  })

  test('a tenant that is removed has no lease any more', async () => {
    await lease()
    world.configuration.change('acme', 'removed')
    await world.vending.settled()
    assert.equal(live('acme'), 0)
  })

  test('a write pause ends what writes and leaves what reads', async () => {
    const read = await lease('acme', 'read')
    await lease('acme', 'write')
    world.configuration.change('acme', { status: 'paused' })
    await world.vending.settled()
    assert.deepEqual(
      world.leaser.live('acme').map(({ lease_id }): string => lease_id),
      [read],
    )
  })

  test('a tenant of another tier than before gets a new lease', async () => {
    const before = await lease()
    world.configuration.change('acme', { tier: 'bridge' })
    assert.notEqual(await lease(), before)
  })

  test('a change that is about something else leaves leases in hand', async () => {
    const before = await lease()
    world.configuration.change('acme', { hosts: ['acme.test'] })
    assert.equal(await lease(), before)
  })

  test('a workload that is removed loses its leases, and no other does', async () => {
    const client_assertion = await assertionOf('clinic-report', KEYS.report)
    await given(ask(world, { fields: { client_assertion } }))
    const kept = await lease()
    const { workloads } = world.configuration.current().platform
    const others = workloads.filter(({ client }) => client !== 'clinic-report')
    world.configuration.changePlatform({ workloads: others })
    await world.vending.settled()
    assert.deepEqual(
      world.leaser.live().map(({ lease_id }): string => lease_id),
      [kept],
    )
  })

  test('a workload that may only read from now on loses what writes, also after a restart', async () => {
    const read = await lease('acme', 'read')
    await lease('acme', 'write')
    const { workloads } = world.configuration.current().platform
    const fewer = workloads.map((one) =>
      one.client === 'clinic-web' ? { ...one, scopes: ['read' as const] } : one,
    )
    await world.restart(() => world.configuration.changePlatform({ workloads: fewer }))
    await world.vending.settled()
    assert.deepEqual(
      world.leaser.live('acme').map(({ lease_id }): string => lease_id),
      [read],
    )
  })
})
