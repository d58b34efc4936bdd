import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { parseCellName } from '../../core/tenant.ts'
import { parseClientId } from '../../core/names.ts'
import {
  type ControlSite,
  erin,
  fillCatalogue,
  jane,
  onboarded,
  operator,
  settled,
  startControlSite,
  succeeded,
} from '../control-site.test-support.ts'
import type { OpenControlPlane } from '../open-control-plane.ts'

let site: ControlSite
let plane: OpenControlPlane

before(async () => {
  site = await startControlSite()
  plane = await site.open()
  await fillCatalogue(plane)
})
beforeEach(() => site.askFake('delete from fake.fault'))
after(() => site?.stop())

const served = async (id: string) =>
  (
    await site.ask<{ status: string }>(
      `select config ->> 'status' as status from snapshot.tenant where id = $1`,
      [id],
    )
  )[0]?.status
const liveLeases = async (id: string) =>
  site.askFake('select from fake.lease where tenant = $1 and ended is null', [id])

async function leased(id: string, holder = 'vending') {
  const [boundary] = await site.ports.cells.boundaries(parseCellName('eu-1'))
  assert.ok(boundary)
  return boundary.lease(await onboarded(plane, id), { scope: 'read', holder })
}

test('a suspension is in force when the call returns, and ends credentials and tokens', async () => {
  const { tenant } = await leased('acme')
  const begun = await plane.tenants.suspend(tenant, 'unpaid', jane)
  assert.equal(await served('acme'), 'suspended')
  await succeeded(plane, begun)
  assert.deepEqual(await liveLeases('acme'), [])
  const [realm] = await site.askFake<{ open: boolean }>(
    `select open from fake.realm where tenant = 'acme'`,
  )
  assert.equal(realm?.open, false)
  await assert.rejects(plane.tenants.suspend(tenant, 'again', jane), { code: 'conflict' })
})

test('a suspended tenant is served again only after the live checks held', async () => {
  const { tenant } = await leased('returns')
  await succeeded(plane, await plane.tenants.suspend(tenant, 'unpaid', jane))
  await site.askFake(`insert into fake.fault values ('eu-1', 'smoke', 'leaks')`)
  const failed = await settled(plane, await plane.tenants.resume(tenant, jane))
  assert.equal(failed.state, 'failed')
  assert.equal(await served('returns'), 'suspended')
  await site.askFake('delete from fake.fault')
  await succeeded(plane, await plane.tenants.resume(tenant, jane))
  assert.equal(await served('returns'), 'active')
  const [realm] = await site.askFake<{ open: boolean }>(
    `select open from fake.realm where tenant = 'returns'`,
  )
  assert.equal(realm?.open, true)
})

test('with its cell away a suspension still ends the service, says where it stands, and goes on', async () => {
  const { tenant } = await leased('away')
  await site.askFake(`insert into fake.fault values ('eu-1', 'revoke', 'away')`)
  const failed = await settled(plane, await plane.tenants.suspend(tenant, 'now', jane))
  assert.equal(failed.step, 'revoke')
  assert.equal(await served('away'), 'suspended')
  assert.equal((await liveLeases('away')).length, 1)
  await site.askFake('delete from fake.fault')
  await succeeded(plane, await plane.tenants.resume(tenant, jane))
  assert.deepEqual(await liveLeases('away'), [])
  assert.equal(await served('away'), 'suspended')
  await succeeded(plane, await plane.tenants.resume(tenant, jane))
  assert.equal(await served('away'), 'active')
})

test('leases are listed, and end one by one, by tenant and by workload', async () => {
  const one = await leased('leaser', 'clinic-web')
  const other = await leased('leaser-2', 'clinic-web')
  const [boundary] = await site.ports.cells.boundaries(parseCellName('eu-1'))
  const kept = await boundary?.lease(one.tenant, { scope: 'read', holder: 'clinic-jobs' })
  const more = await boundary?.lease(one.tenant, { scope: 'write', holder: 'clinic-web' })
  assert.equal((await plane.tenants.leases(one.tenant)).length, 3)
  await assert.rejects(plane.tenants.revoke(one.tenant, one.lease_id, operator('eve', [])), {
    code: 'forbidden',
  })
  const first = await plane.tenants.revoke(one.tenant, one.lease_id, jane)
  assert.deepEqual(first.leases, [one.lease_id])
  const { leases } = await plane.tenants.revokeWorkload(parseClientId('clinic-web'), jane)
  assert.deepEqual([...leases].toSorted(), [more?.lease_id, other.lease_id].toSorted())
  const left = await plane.tenants.leases(one.tenant)
  assert.deepEqual(
    left.filter(({ ended_at }) => ended_at === undefined).map(({ lease_id }) => lease_id),
    [kept?.lease_id],
  )
})

test('an export does not stand in the way of a suspension', async () => {
  const { tenant } = await leased('exported')
  await site.ask(
    `insert into registry.workflow (id, kind, tenant, state, by, request_id, input, wake_at)
     values ('export-parked', 'export', 'exported', 'waiting', 'jane', 'r', '{}', 'infinity')`,
  )
  await succeeded(plane, await plane.tenants.suspend(tenant, 'now', erin))
  assert.equal(await served('exported'), 'suspended')
})
