import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import {
  type ControlSite,
  erin,
  fillCatalogue,
  jane,
  onboarded,
  settled,
  startControlSite,
  succeeded,
  until,
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

const published = async (id: string) => {
  const [row] = await site.ask<{ status: string; tier: string }>(
    `select config ->> 'status' as status, config ->> 'tier' as tier
       from snapshot.tenant where id = $1`,
    [id],
  )
  return row
}
const places = async (id: string) =>
  (
    await site.askFake<{ place: string }>(
      `select state || ' ' || tier as place from fake.place where tenant = $1 order by 1`,
      [id],
    )
  ).map(({ place }) => place)
const fault = (method: string, kind: string) =>
  site.askFake('insert into fake.fault values ($1, $2, $3)', ['eu-1', method, kind])

test('a tenant moves, keeps its rows, and its old place goes last', async () => {
  const acme = await onboarded(plane, 'acme')
  await site.askFake(
    `insert into fake.row select key, 'row ' || n from fake.place, generate_series(1, 5) as n
      where tenant = 'acme'`,
  )
  const workflow = await succeeded(plane, await plane.tenants.move(acme, 'silo', jane))
  assert.deepEqual(
    workflow.steps.map(({ name }) => name),
    ['prepare', 'catch-up', 'pause', 'cut-over', 'smoke', 'activate', 'finish'],
  )
  assert.deepEqual(await places('acme'), ['live silo'])
  assert.deepEqual(await published('acme'), { status: 'active', tier: 'silo' })
  assert.equal((await plane.tenants.get(acme)).tier, 'silo')
  const rows = await site.askFake(
    'select from fake.row join fake.place using (key) where tenant = $1',
    ['acme'],
  )
  assert.equal(rows.length, 5)
  await assert.rejects(plane.tenants.move(acme, 'silo', jane), { code: 'conflict' })
})

for (const [method, kind, step] of [
  ['prepareMove', 'away', 'prepare'],
  ['catchUp', 'away', 'catch-up'],
  ['cutOver', 'differs', 'cut-over'],
] as const) {
  test(`a failure of ${method} leaves the tenant active as it was, and the move can begin anew`, async () => {
    const id = await onboarded(plane, `fails-${step}`)
    await fault(method, kind)
    const failed = await settled(plane, await plane.tenants.move(id, 'bridge', jane))
    assert.equal(failed.state, 'failed')
    assert.equal(failed.step, step)
    assert.deepEqual(await places(id), ['live pooled'])
    assert.deepEqual(await published(id), { status: 'active', tier: 'pooled' })
    assert.equal((await plane.tenants.get(id)).status, 'active')
    await site.askFake('delete from fake.fault')
    await succeeded(plane, await plane.tenants.resume(id, jane))
    assert.deepEqual(await places(id), ['live bridge'])
    assert.deepEqual(await published(id), { status: 'active', tier: 'bridge' })
  })
}

test('a new place that leaks is served to nobody until it holds', async () => {
  const id = await onboarded(plane, 'leaks')
  await fault('smoke', 'leaks')
  const failed = await settled(plane, await plane.tenants.move(id, 'bridge', jane))
  assert.equal(failed.step, 'smoke')
  assert.deepEqual(await published(id), { status: 'suspended', tier: 'bridge' })
  await assert.rejects(plane.tenants.cancel(id, jane), { code: 'conflict' })
  await site.askFake('delete from fake.fault')
  await succeeded(plane, await plane.tenants.resume(id, jane))
  assert.deepEqual(await published(id), { status: 'active', tier: 'bridge' })
  assert.deepEqual(await places(id), ['live bridge'])
})

test('an old place that cannot be erased is told, and no move begins before it is', async () => {
  const id = await onboarded(plane, 'leftover')
  await fault('finishMove', 'away')
  const failed = await settled(plane, await plane.tenants.move(id, 'bridge', jane))
  assert.equal(failed.step, 'finish')
  assert.deepEqual(await published(id), { status: 'active', tier: 'bridge' })
  await assert.rejects(plane.tenants.move(id, 'silo', jane), { code: 'conflict' })
  // A suspension has its way all the same, and does not make it forgotten.
  await succeeded(plane, await plane.tenants.suspend(id, 'now', jane))
  await succeeded(plane, await plane.tenants.resume(id, jane))
  await site.askFake('delete from fake.fault')
  await succeeded(plane, await plane.tenants.resume(id, jane))
  assert.deepEqual(await places(id), ['live bridge'])
  await succeeded(plane, await plane.tenants.move(id, 'silo', jane))
})

test('a cancel before the cut-over takes all back, also when the move has failed half way', async () => {
  const id = await onboarded(plane, 'cancelled')
  await fault('catchUp', 'away')
  await fault('abortMove', 'away')
  const failed = await settled(plane, await plane.tenants.move(id, 'bridge', jane))
  assert.equal(failed.step, 'catch-up')
  assert.equal((await plane.tenants.get(id)).status, 'moving')
  assert.deepEqual(await places(id), ['live pooled', 'pending bridge'])
  await site.askFake('delete from fake.fault')
  const cancelled = await plane.tenants.cancel(id, erin)
  await until(async () => (await plane.workflows.get(cancelled.id)).state === 'cancelled')
  assert.match((await plane.workflows.get(cancelled.id)).error ?? '', /called off by erin/)
  assert.deepEqual(await places(id), ['live pooled'])
  assert.deepEqual(await published(id), { status: 'active', tier: 'pooled' })
})

test('one workflow a tenant at a time', async () => {
  const id = await onboarded(plane, 'busy')
  const begun = await Promise.allSettled([
    plane.tenants.move(id, 'bridge', jane),
    plane.tenants.move(id, 'bridge', erin),
    plane.tenants.suspend(id, 'now', erin),
  ])
  const won = begun.filter((one) => one.status === 'fulfilled')
  assert.equal(won.length, 1)
  for (const one of begun) {
    if (one.status === 'rejected') assert.equal(one.reason.code, 'conflict')
    else await succeeded(plane, one.value)
  }
})
