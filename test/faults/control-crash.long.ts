import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type ControlSite,
  fillCatalogue,
  startControlSite,
} from '../../src/control/control-site.test-support.ts'
import type { OpenControlPlane } from '../../src/control/open-control-plane.ts'
import { ACTIONS } from './control-actions.test-support.ts'
import {
  expectNoOrphans,
  killAtEveryPoint,
  killAtRandomMoments,
} from './control-kills.test-support.ts'

let site: ControlSite
let survivor: OpenControlPlane
const tenants: string[] = []

before(async () => {
  site = await startControlSite()
  survivor = await site.open({ executorId: 'survivor', deadAfterMs: 1_000 })
  await fillCatalogue(survivor)
})
after(() => site?.stop())

for (const action of ACTIONS) {
  for (const points of ['ports', 'database'] as const) {
    test(`killed at each point of ${action} (${points}), another process finishes it`, async () => {
      const worked = await killAtEveryPoint(site, survivor, action, points)
      assert.ok(worked.length >= 2, `only ${worked.length} points`)
      tenants.push(...worked)
    })
  }
}

for (let part = 1; part <= 10; part += 1) {
  test(`killed at random, twenty times over (part ${part} of 10)`, async () => {
    tenants.push(...(await killAtRandomMoments(site, survivor, 20)))
  })
}

test('at the end no engine holds anything that the registry does not know', async () => {
  assert.ok(tenants.length > 200)
  await expectNoOrphans(site, tenants)
})
