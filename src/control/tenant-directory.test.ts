import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parsePlanName } from '../core/names.ts'
import {
  type ControlSite,
  erin,
  fillCatalogue,
  jane,
  onboarded,
  operator,
  request,
  startControlSite,
  succeeded,
  tenant,
} from './control-site.test-support.ts'
import type { OpenControlPlane } from './open-control-plane.ts'

let site: ControlSite
let plane: OpenControlPlane

before(async () => {
  site = await startControlSite()
  plane = await site.open()
  await fillCatalogue(plane)
  for (const id of ['acme', 'beta', 'gamma']) await onboarded(plane, id)
})
after(() => site?.stop())

test('tenants are listed page by page, and a cursor of another filter is refused', async () => {
  const first = await plane.tenants.list({ status: 'active' }, { limit: 2 })
  assert.deepEqual(
    first.items.map(({ id }) => id),
    ['acme', 'beta'],
  )
  assert.ok(first.next)
  const page = { limit: 2, cursor: first.next }
  const second = await plane.tenants.list({ status: 'active' }, page)
  assert.deepEqual(
    second.items.map(({ id }) => id),
    ['gamma'],
  )
  assert.equal(second.next, undefined)
  await assert.rejects(plane.tenants.list({}, page), { code: 'invalid_argument' })
  await assert.rejects(plane.workflows.list({}, page), { code: 'invalid_argument' })
  await assert.rejects(plane.tenants.history(tenant('acme'), page), { code: 'invalid_argument' })
})

test("a cursor of one tenant's history opens no other's", async () => {
  const { next } = await plane.tenants.history(tenant('acme'), { limit: 1 })
  assert.ok(next)
  await assert.rejects(plane.tenants.history(tenant('beta'), { limit: 1, cursor: next }), {
    code: 'invalid_argument',
  })
})

test('an update needs the present revision, and every change makes a new one', async () => {
  const before = await plane.tenants.get(tenant('acme'))
  const after = await plane.tenants.update(
    tenant('acme'),
    { displayName: 'Acme' },
    before.revision,
    jane,
  )
  assert.equal(after.displayName, 'Acme')
  assert.ok(after.revision > before.revision)
  await assert.rejects(
    plane.tenants.update(tenant('acme'), { displayName: 'Other' }, before.revision, erin),
    { code: 'precondition_failed' },
  )
  assert.equal((await plane.tenants.get(tenant('acme'))).displayName, 'Acme')
})

test('a host name has one tenant, and is published with it', async () => {
  await plane.tenants.update(tenant('acme'), { hosts: ['acme.example.test'] }, undefined, jane)
  await assert.rejects(
    plane.tenants.update(tenant('beta'), { hosts: ['acme.example.test'] }, undefined, jane),
    { code: 'already_exists' },
  )
  await assert.rejects(
    plane.tenants.create({ ...request('thief'), hosts: ['acme.example.test'] }, jane),
    { code: 'already_exists' },
  )
  await assert.rejects(plane.tenants.get(tenant('thief')), { code: 'not_found' })
  const rows = await site.ask<{ host: string; tenant: string }>('select * from snapshot.host')
  assert.deepEqual(rows, [{ host: 'acme.example.test', tenant: 'acme' }])
  for (const host of ['Acme.example.test', 'acme_.test', '.test', 'a..b', 'xn--\u00e4', '']) {
    await assert.rejects(plane.tenants.update(tenant('beta'), { hosts: [host] }, undefined, jane), {
      code: 'invalid_argument',
    })
  }
})

test('a plan that there is not, or that lacks the tier, is refused', async () => {
  const plan = parsePlanName('small')
  await plane.catalogue.putPlan(
    {
      name: plan,
      tiers: ['silo'],
      requestsPerMinute: 1,
      leasesPerMinute: 1,
      leaseSecondsMax: 60,
      approval: false,
    },
    jane,
  )
  for (const name of [plan, parsePlanName('absent')]) {
    await assert.rejects(plane.tenants.update(tenant('acme'), { plan: name }, undefined, jane), {
      code: 'invalid_argument',
    })
  }
})

test('plans are published, with what the manifest says', async () => {
  const [head] = await site.ask<{ platform: { plans: { name: string }[]; audience: string } }>(
    'select platform from snapshot.head',
  )
  assert.ok(head?.platform.plans.some(({ name }) => name === 'standard'))
  assert.equal(head?.platform.audience, 'https://api.example.test')
})

test('who may only read changes nothing, and every act is in the record with its actor', async () => {
  const eve = operator('eve', ['tenants:read'])
  const forbidden = { code: 'forbidden' }
  const acme = tenant('acme')
  await assert.rejects(plane.tenants.update(acme, { legalHold: true }, undefined, eve), forbidden)
  await assert.rejects(plane.tenants.suspend(acme, 'x', eve), forbidden)
  await assert.rejects(plane.tenants.resume(acme, eve), forbidden)
  await assert.rejects(plane.tenants.move(acme, 'silo', eve), forbidden)
  await assert.rejects(plane.tenants.offboard(acme, { purge: true, why: 'x' }, eve), forbidden)
  await assert.rejects(plane.tenants.cancel(acme, eve), forbidden)
  await assert.rejects(plane.tenants.export(acme, eve), forbidden)
  await assert.rejects(plane.tenants.revoke(acme, undefined, eve), forbidden)
  await succeeded(plane, await plane.tenants.suspend(acme, 'unpaid', jane))
  const acts = await site.ask<{ actor: string; action: string; detail: { why: string } }>(
    `select actor, action, detail from registry.act where subject = 'acme' order by id desc limit 1`,
  )
  assert.equal(acts[0]?.actor, 'jane')
  assert.equal(acts[0]?.action, 'tenant.suspend')
  assert.equal(acts[0]?.detail.why, 'unpaid')
  assert.deepEqual(await site.ask(`select from registry.act where actor = 'eve'`), [])
})
