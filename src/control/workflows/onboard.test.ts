import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { parseCellName, parseRegion } from '../../core/tenant.ts'
import {
  type ControlSite,
  erin,
  EU,
  fillCatalogue,
  GUARDED,
  jane,
  onboarded,
  operator,
  request,
  settled,
  startControlSite,
  succeeded,
  tenant,
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

const statusOf = async (id: string) => (await plane.tenants.get(tenant(id))).status
const published = async (id: string) =>
  (
    await site.ask<{ config: { status: string; tier: string } }>(
      'select config from snapshot.tenant where id = $1',
      [id],
    )
  )[0]?.config

test('a tenant is placed, provisioned, checked, active and published', async () => {
  const workflow = await succeeded(plane, await plane.tenants.create(request('acme'), jane))
  assert.deepEqual(
    workflow.steps.map(({ name, state }) => [name, state]),
    ['place', 'provision', 'realm', 'smoke', 'activate'].map((name) => [name, 'done']),
  )
  const view = await plane.tenants.get(tenant('acme'))
  assert.equal(view.status, 'active')
  assert.equal(view.cell, 'eu-1')
  assert.equal((await published('acme'))?.status, 'active')
  const { items } = await plane.tenants.history(tenant('acme'), { limit: 10 })
  assert.deepEqual(
    items.map(({ from, to, by }) => [from, to, by]),
    [
      ['provisioning', 'active', 'jane'],
      ['requested', 'provisioning', 'jane'],
      [undefined, 'requested', 'jane'],
    ],
  )
})

test('an id is taken once', async () => {
  await onboarded(plane, 'twice')
  await assert.rejects(plane.tenants.create(request('twice'), erin), { code: 'already_exists' })
})

test('nothing becomes active whose live checks did not hold, and it goes on from there', async () => {
  await site.askFake(`insert into fake.fault values ('eu-1', 'smoke', 'leaks')`)
  const begun = await plane.tenants.create(request('leaky'), jane)
  const failed = await settled(plane, begun)
  assert.equal(failed.state, 'failed')
  assert.equal(failed.step, 'smoke')
  assert.match(failed.error ?? '', /smoke: did not hold: fake-reach/)
  assert.equal(await statusOf('leaky'), 'provisioning')
  assert.equal(await published('leaky'), undefined)
  const view = await plane.tenants.get(tenant('leaky'))
  assert.deepEqual(view.failure?.step, 'smoke')
  assert.match(view.failure?.why ?? '', /fake-reach/)

  await site.askFake('delete from fake.fault')
  const resumed = await plane.tenants.resume(tenant('leaky'), erin)
  assert.equal(resumed.id, failed.id)
  await succeeded(plane, resumed)
  assert.equal(await statusOf('leaky'), 'active')
  assert.equal((await plane.tenants.get(tenant('leaky'))).failure, undefined)
})

test('a cell that is away fails the step by name, and what was done is not done again', async () => {
  await site.askFake(`insert into fake.fault values ('eu-1', 'provision', 'away')`)
  const failed = await settled(plane, await plane.tenants.create(request('waits'), jane))
  assert.equal(failed.step, 'provision')
  await site.askFake('delete from fake.fault')
  await succeeded(plane, await plane.tenants.resume(tenant('waits'), jane))
  const events = []
  for await (const event of plane.workflows.events(failed.id, 0, new AbortController().signal)) {
    events.push(event)
  }
  assert.equal(events.filter(({ step, state }) => step === 'place' && state === 'done').length, 1)
  assert.deepEqual(
    events.map(({ id }) => id),
    events.map((_, index) => index + 1),
  )
})

test('no step places a tenant outside its region, whatever the registry is told', async () => {
  await assert.rejects(
    plane.tenants.create({ ...request('lost'), region: parseRegion('mars') }, jane),
    { code: 'no_capacity' },
  )
  await onboarded(plane, 'bound')
  await assert.rejects(
    site.ask(`update registry.tenant set cell = 'us-1' where id = 'bound'`),
    /tenant_cell_in_region/,
  )
  await assert.rejects(
    site.ask(`update registry.tenant set region = 'us-east' where id = 'bound'`),
    /tenant_cell_in_region/,
  )
  await assert.rejects(
    site.ask(`update registry.cell set region = 'us-east' where name = 'eu-1'`),
    /tenant_cell_in_region/,
  )
  await assert.rejects(
    plane.catalogue.putCell(
      { name: parseCellName('eu-1'), region: parseRegion('us-east'), capacity: 5, open: true },
      jane,
    ),
    { code: 'conflict' },
  )
})

test('an engine that places a tenant elsewhere fails the step', async () => {
  const [boundary] = await site.ports.cells.boundaries(parseCellName('us-1'))
  assert.ok(boundary)
  const lying = {
    ...site.ports,
    cells: { boundaries: async () => [boundary] },
  }
  plane = await site.open({ ports: lying })
  const failed = await settled(plane, await plane.tenants.create(request('astray'), jane))
  assert.equal(failed.step, 'provision')
  assert.equal(await statusOf('astray'), 'provisioning')
  plane = await site.open()
})

test('a cell takes as many as it may, however many ask at once', async () => {
  const region = parseRegion('small')
  await plane.catalogue.putCell(
    { name: parseCellName('eu-2'), region, capacity: 3, open: true },
    jane,
  )
  const asked = await Promise.allSettled(
    ['a', 'b', 'c', 'd', 'e', 'f'].map(async (name) =>
      settled(plane, await plane.tenants.create({ ...request(`room-${name}`), region }, jane)),
    ),
  )
  const states = asked.map((one) => (one.status === 'fulfilled' ? one.value.state : 'refused'))
  assert.equal(states.filter((state) => state === 'succeeded').length, 3, states.join())
  const [cell] = await site.ask<{ count: number }>(
    `select count(*)::int as count from registry.tenant where cell = 'eu-2'`,
  )
  assert.equal(cell?.count, 3)
  await assert.rejects(plane.tenants.create({ ...request('late'), region }, jane), {
    code: 'no_capacity',
  })
})

test('a closed cell keeps its tenants and takes no new ones', async () => {
  await plane.catalogue.putCell(
    { name: parseCellName('eu-1'), region: EU, capacity: 1000, open: false },
    jane,
  )
  await assert.rejects(plane.tenants.create(request('outside'), jane), { code: 'no_capacity' })
  assert.equal(await statusOf('acme'), 'active')
  await plane.catalogue.putCell(
    { name: parseCellName('eu-1'), region: EU, capacity: 1000, open: true },
    jane,
  )
})

test('on a guarded plan a second person decides, and not the one who asked', async () => {
  const begun = await plane.tenants.create({ ...request('guarded'), plan: GUARDED }, jane)
  const waiting = await settled(plane, begun)
  assert.equal(waiting.state, 'waiting')
  assert.equal(waiting.step, 'approval')
  assert.equal(await statusOf('guarded'), 'requested')
  await assert.rejects(plane.tenants.resume(tenant('guarded'), erin), { code: 'approval_required' })
  const { items } = await plane.approvals.list({ state: 'pending' }, { limit: 10 })
  const approval = items.find((one) => one.workflow === begun.id)
  assert.ok(approval)
  await assert.rejects(plane.approvals.decide(approval.id, true, undefined, jane), {
    code: 'forbidden',
  })
  await assert.rejects(
    plane.approvals.decide(approval.id, true, undefined, operator('eve', ['tenants:write'])),
    { code: 'forbidden' },
  )
  const decided = await plane.approvals.decide(approval.id, true, 'fine', erin)
  assert.equal(decided.state, 'approved')
  await assert.rejects(plane.approvals.decide(approval.id, false, undefined, erin), {
    code: 'conflict',
  })
  for await (const _ of plane.workflows.events(begun.id, 0, new AbortController().signal));
  assert.equal(await statusOf('guarded'), 'active')
})

test('a refused tenant never was: its id is free, and no engine knows it', async () => {
  const begun = await plane.tenants.create({ ...request('refused'), plan: GUARDED }, jane)
  await settled(plane, begun)
  const { items } = await plane.approvals.list({ state: 'pending' }, { limit: 10 })
  await plane.approvals.decide(items[0]?.id ?? '', false, 'no', erin)
  for await (const _ of plane.workflows.events(begun.id, 0, new AbortController().signal));
  assert.equal((await plane.workflows.get(begun.id)).state, 'cancelled')
  assert.equal(await statusOf('refused'), 'erased')
  assert.deepEqual(await site.askFake(`select from fake.place where tenant = 'refused'`), [])
  await succeeded(plane, await plane.tenants.create(request('refused'), jane))
  assert.equal(await statusOf('refused'), 'active')
})

test('an approval that nobody gives expires by itself', async () => {
  plane = await site.open({ approvalSeconds: 0 })
  const begun = await plane.tenants.create({ ...request('expires'), plan: GUARDED }, jane)
  for await (const _ of plane.workflows.events(begun.id, 0, new AbortController().signal));
  const ended = await plane.workflows.get(begun.id)
  assert.equal(ended.state, 'cancelled')
  assert.match(ended.error ?? '', /expired/)
  plane = await site.open()
})

test('who may not write tenants creates none', async () => {
  await assert.rejects(plane.tenants.create(request('by-eve'), operator('eve', ['tenants:read'])), {
    code: 'forbidden',
  })
  await assert.rejects(plane.tenants.get(tenant('by-eve')), { code: 'not_found' })
})
