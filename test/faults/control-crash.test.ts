import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type ControlSite,
  fillCatalogue,
  startControlSite,
} from '../../src/control/control-site.test-support.ts'
import type { OpenControlPlane } from '../../src/control/open-control-plane.ts'
import {
  expectNoOrphans,
  killAtEveryPoint,
  killAtRandomMoments,
  killProcess,
} from './control-kills.test-support.ts'

let site: ControlSite
/** It lives on, and finishes what the others leave. */
let survivor: OpenControlPlane
const tenants: string[] = []

before(async () => {
  site = await startControlSite()
  survivor = await site.open({ executorId: 'survivor', deadAfterMs: 1_000 })
  await fillCatalogue(survivor)
})
after(() => site?.stop())

for (const action of ['onboard', 'move', 'offboard'] as const) {
  test(`killed before and after each call to another plane during ${action}, another process finishes it`, async () => {
    const worked = await killAtEveryPoint(site, survivor, action, 'ports')
    assert.ok(worked.length >= 8, `only ${worked.length} points`)
    tenants.push(...worked)
  })
}

test('killed at random moments, nothing is half and nothing is lost', async () => {
  tenants.push(...(await killAtRandomMoments(site, survivor, 12)))
})

test('at the end no engine holds anything that the registry does not know', async () => {
  assert.ok(tenants.length > 36)
  await expectNoOrphans(site, tenants)
})

test('with nobody else there, a process that is started again finishes what it left', async () => {
  await survivor.close()
  const work = { action: 'onboard', tenant: 'alone', points: 'ports' } as const
  const first = await killProcess(site, { ...work, killAt: 2 }, undefined, 'control-1')
  assert.ok(first.killed)
  const second = await killProcess(site, work, undefined, 'control-1')
  assert.ok(!second.killed && second.points > 0)
  await expectNoOrphans(site, [...tenants, 'alone'])
})
