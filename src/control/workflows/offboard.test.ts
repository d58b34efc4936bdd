import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, beforeEach, test } from 'node:test'
import { join } from 'node:path'
import { RECEIPT_PREDICATE_TYPE } from '../receipt.ts'
import {
  type ControlSite,
  erin,
  fillCatalogue,
  GUARDED,
  jane,
  onboarded,
  request,
  settled,
  startControlSite,
  succeeded,
  tenant,
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

const PURGE = { purge: true, why: 'contract ended' }
const GRACE = { purge: false, why: 'contract ended' }
const statusOf = async (id: string) => (await plane.tenants.get(tenant(id))).status
const left = async (id: string) =>
  (
    await site.askFake(
      `select tenant from fake.place where tenant = $1 union all
       select tenant from fake.realm where tenant = $1 union all
       select tenant from fake.lease where tenant = $1 and ended is null`,
      [id],
    )
  ).length
const served = async (id: string) =>
  (
    await site.ask<{ status: string }>(
      `select config ->> 'status' as status from snapshot.tenant where id = $1`,
      [id],
    )
  )[0]?.status

async function told(id: string) {
  const envelope: { payload: string } = JSON.parse(await plane.tenants.receipt(tenant(id)))
  const statement: {
    predicateType: string
    subject: { name: string }[]
    predicate: {
      covered: { probes: { found: number }[] }[]
      notCovered: string[]
      requestedBy: string
    }
  } = JSON.parse(Buffer.from(envelope.payload, 'base64').toString())
  return statement
}

test('a purged tenant is exported, erased, looked for, and has a signed receipt', async () => {
  const id = await onboarded(plane, 'acme')
  const workflow = await succeeded(plane, await plane.tenants.offboard(id, PURGE, jane))
  assert.equal(await statusOf('acme'), 'erased')
  assert.equal(await left('acme'), 0)
  assert.equal(await served('acme'), undefined)
  assert.ok(existsSync(join(site.directory, 'exports/acme', workflow.id, 'fake/manifest.json')))
  const { predicateType, subject, predicate } = await told('acme')
  assert.equal(predicateType, RECEIPT_PREDICATE_TYPE)
  assert.equal(subject[0]?.name, 'tenant:acme')
  assert.equal(predicate.requestedBy, 'jane')
  assert.deepEqual(predicate.covered[0]?.probes, [{ place: 'fake.place', found: 0 }])
  assert.ok(predicate.notCovered.includes('Backups of the fake.'))
})

test('during the grace period nobody has access, all is kept, and it can be called off', async () => {
  const id = await onboarded(plane, 'returns')
  const waiting = await settled(plane, await plane.tenants.offboard(id, GRACE, jane))
  assert.equal(waiting.state, 'waiting')
  assert.equal(waiting.step, 'grace')
  assert.equal(await served('returns'), 'suspended')
  assert.ok((await left('returns')) > 0)
  await assert.rejects(plane.tenants.offboard(id, GRACE, jane), { code: 'conflict' })
  const cancelled = await plane.tenants.cancel(id, erin)
  await until(async () => (await plane.workflows.get(cancelled.id)).state === 'cancelled')
  assert.equal(await statusOf('returns'), 'active')
  assert.equal(await served('returns'), 'active')
})

test('called off, a place that leaks is not served again', async () => {
  const id = await onboarded(plane, 'leaky')
  await settled(plane, await plane.tenants.offboard(id, GRACE, jane))
  await site.askFake(`insert into fake.fault values ('eu-1', 'smoke', 'leaks')`)
  const cancelled = await plane.tenants.cancel(id, erin)
  await until(async () => (await plane.workflows.get(cancelled.id)).state === 'failed')
  assert.equal(await served('leaky'), 'suspended')
  await site.askFake('delete from fake.fault')
  await plane.tenants.resume(id, jane)
  await until(async () => (await plane.workflows.get(cancelled.id)).state === 'cancelled')
  assert.equal(await served('leaky'), 'active')
})

test('a purge ends a grace period that runs', async () => {
  const id = await onboarded(plane, 'hurried')
  const waiting = await settled(plane, await plane.tenants.offboard(id, GRACE, jane))
  const purged = await plane.tenants.offboard(id, PURGE, erin)
  assert.equal(purged.id, waiting.id)
  await until(async () => (await plane.workflows.get(waiting.id)).state === 'succeeded')
  assert.equal(await statusOf('hurried'), 'erased')
})

test('the grace period ends by itself, through a restart', async () => {
  const id = await onboarded(plane, 'patient')
  const { id: workflow } = await settled(plane, await plane.tenants.offboard(id, GRACE, jane))
  plane = await site.open({ graceSeconds: 0 })
  await site.ask(`update registry.workflow set wake_at = now() where id = $1`, [workflow])
  await until(async () => (await plane.workflows.get(workflow)).state === 'succeeded')
  plane = await site.open()
})

test('a legal hold forbids an offboarding, and one that comes meanwhile stops it before the erasure', async () => {
  const id = await onboarded(plane, 'held')
  await plane.tenants.update(id, { legalHold: true }, undefined, jane)
  await assert.rejects(plane.tenants.offboard(id, PURGE, jane), { code: 'conflict' })
  assert.equal(await statusOf('held'), 'active')
  await plane.tenants.update(id, { legalHold: false }, undefined, jane)
  const waiting = await settled(plane, await plane.tenants.offboard(id, GRACE, jane))
  await plane.tenants.update(id, { legalHold: true }, undefined, jane)
  await site.ask(
    `update registry.workflow set input = jsonb_set(input, '{purge}', 'true'), wake_at = now()
      where id = $1`,
    [waiting.id],
  )
  await until(async () => (await plane.workflows.get(waiting.id)).state === 'failed')
  assert.match((await plane.workflows.get(waiting.id)).error ?? '', /erase: .*legal hold/)
  assert.ok((await left('held')) > 0)
  await plane.tenants.update(id, { legalHold: false }, undefined, jane)
  await succeeded(plane, await plane.tenants.resume(id, jane))
  assert.equal(await left('held'), 0)
})

test('an erasure whose probes find something is not a success', async () => {
  const id = await onboarded(plane, 'sticky')
  await site.askFake(`insert into fake.fault values ('eu-1', 'erase', 'leaves')`)
  const failed = await settled(plane, await plane.tenants.offboard(id, PURGE, jane))
  assert.equal(failed.step, 'erase')
  assert.match(failed.error ?? '', /something is left/)
  await assert.rejects(plane.tenants.receipt(id), { code: 'not_found' })
  // Behind the point of no return.
  await assert.rejects(plane.tenants.cancel(id, jane), { code: 'conflict' })
  await assert.rejects(plane.tenants.update(id, { legalHold: true }, undefined, jane), {
    code: 'conflict',
  })
  await site.askFake('delete from fake.fault')
  await succeeded(plane, await plane.tenants.offboard(id, PURGE, jane))
  assert.equal(await statusOf('sticky'), 'erased')
})

for (const method of ['provision', 'smoke']) {
  test(`a tenant whose onboarding failed at ${method} goes without a trace`, async () => {
    const kind = method === 'smoke' ? 'leaks' : 'away'
    await site.askFake('insert into fake.fault values ($1, $2, $3)', ['eu-1', method, kind])
    const id = tenant(`half-${method}`)
    await settled(plane, await plane.tenants.create(request(id), jane))
    await succeeded(plane, await plane.tenants.offboard(id, PURGE, jane))
    assert.equal(await statusOf(id), 'erased')
    assert.equal(await left(id), 0)
    await assert.rejects(plane.tenants.resume(id, jane), { code: 'conflict' })
  })
}

test('a tenant that never found a cell goes without a trace, and only once', async () => {
  const id = tenant('homeless')
  const begun = await plane.tenants.create({ ...request(id), plan: GUARDED }, jane)
  await settled(plane, begun)
  await site.ask('update registry.cell set open = false')
  const { items } = await plane.approvals.list({ state: 'pending' }, { limit: 10 })
  await plane.approvals.decide(items[0]?.id ?? '', true, undefined, erin)
  await until(async () => (await plane.workflows.get(begun.id)).state === 'failed')
  assert.match((await plane.workflows.get(begun.id)).error ?? '', /place: no open cell/)
  await site.ask(`update registry.cell set open = true`)
  await succeeded(plane, await plane.tenants.offboard(id, PURGE, jane))
  assert.equal(await statusOf(id), 'erased')
  await assert.rejects(plane.tenants.offboard(id, PURGE, jane), { code: 'conflict' })
})

test('the id of an erased tenant may be taken again, and its history goes on', async () => {
  await onboarded(plane, 'acme')
  assert.equal(await statusOf('acme'), 'active')
  const { items } = await plane.tenants.history(tenant('acme'), { limit: 100 })
  assert.ok(items.some(({ from, to }) => from === 'erased' && to === 'requested'))
  assert.equal((await told('acme')).subject[0]?.name, 'tenant:acme')
})

test('an export is made once, whole or not at all, and holds what it says', async () => {
  const id = await onboarded(plane, 'exported')
  const workflow = await succeeded(plane, await plane.tenants.export(id, jane))
  const { directory, manifests } = workflow.result as {
    directory: string
    manifests: { items: { item: string }[] }[]
  }
  assert.equal(manifests[0]?.items[0]?.item, 'row')
  assert.ok(existsSync(join(directory, 'fake', 'row.ndjson')))
  assert.ok(!existsSync(join(directory, 'fake.part')))
})
