import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type ControlSite,
  fillCatalogue,
  jane,
  onboarded,
  request,
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
after(() => site?.stop())

test('a tenant is placed, provisioned, checked and active', async () => {
  const workflow = await succeeded(plane, await plane.tenants.create(request('acme'), jane))
  assert.equal(workflow.error, undefined)
  const view = await plane.tenants.get(request('acme').id)
  assert.equal(view.status, 'active')
  assert.equal(view.cell, 'eu-1')
})
