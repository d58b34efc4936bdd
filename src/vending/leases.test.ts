import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { parseTenantId } from '../core/tenant.ts'
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

const live = () => world.leaser.live().map(({ lease_id }): string => lease_id)

describe('renewal', () => {
  test('leaves a young lease as it is', async () => {
    const { lease_id } = await given(ask(world))
    const renewed = await given(ask(world, { path: '/v1/leases/renew', fields: { lease_id } }))
    assert.equal(renewed.lease_id, lease_id)
  })

  test('finds a lease that a process before this one gave, and gives another in its place', async () => {
    const { lease_id } = await given(ask(world, { fields: { scope: 'write' } }))
    await world.restart()
    const renewed = await given(ask(world, { path: '/v1/leases/renew', fields: { lease_id } }))
    assert.notEqual(renewed.lease_id, lease_id)
    assert.equal(renewed.scope, 'write')
    assert.deepEqual(live(), [lease_id, renewed.lease_id])
  })

  test('of a lease that was revoked is refused', async () => {
    const { lease_id } = await given(ask(world))
    await given(ask(world, { path: '/v1/leases/revoke', fields: { lease_id } }))
    const answer = await ask(world, { path: '/v1/leases/renew', fields: { lease_id } })
    assert.deepEqual([answer.status, await answer.json()], [400, { error: 'invalid_grant' }])
  })
})

describe('revocation', () => {
  test('ends the lease at the engine before it answers, and the next exchange opens another', async () => {
    const { lease_id } = await given(ask(world))
    await given(ask(world, { path: '/v1/leases/revoke', fields: { lease_id } }))
    assert.deepEqual(live(), [])
    assert.notEqual((await given(ask(world))).lease_id, lease_id)
  })

  test('finds a lease in the engine’s ledger that another vending process gave', async () => {
    const request = { scope: 'read', holder: 'clinic-web', ttlSeconds: 60 } as const
    const { lease_id } = await world.leaser.lease(parseTenantId('acme'), request)
    await given(ask(world, { path: '/v1/leases/revoke', fields: { lease_id } }))
    assert.deepEqual(live(), [])
  })

  test('of what another workload holds in the ledger ends nothing', async () => {
    const request = { scope: 'read', holder: 'clinic-report', ttlSeconds: 60 } as const
    const { lease_id } = await world.leaser.lease(parseTenantId('acme'), request)
    await given(ask(world, { path: '/v1/leases/revoke', fields: { lease_id } }))
    assert.deepEqual(live(), [lease_id])
  })

  test('needs a client and a context, and a lease id', async () => {
    const path = '/v1/leases/revoke'
    const { lease_id } = await given(ask(world))
    const client_assertion = await assertionOf('clinic-web', KEYS.stranger)
    const subject_token = await contextOf('acme', { key: KEYS.stranger })
    for (const [fields, status] of [
      [{ lease_id, client_assertion }, 401],
      [{ lease_id, client_assertion: undefined }, 401],
      [{ lease_id, subject_token }, 400],
      [{ lease_id, subject_token: undefined }, 400],
      [{}, 400],
    ] as const) {
      assert.equal((await ask(world, { path, fields })).status, status)
    }
    assert.deepEqual(live(), [lease_id])
  })
})
