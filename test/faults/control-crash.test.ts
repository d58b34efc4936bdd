import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type ControlSite,
  fillCatalogue,
  startControlSite,
} from '../../src/control/control-site.test-support.ts'
import type { OpenControlPlane } from '../../src/control/open-control-plane.ts'
import { ACTIONS, type Action } from './control-actions.test-support.ts'
import {
  arrange,
  expectNoOrphans,
  expectWhole,
  finish,
  killProcess,
} from './control-kills.test-support.ts'

const AT_ONCE = 3
const RANDOM_KILLS = 12

let site: ControlSite
/** It lives on, and finishes what the others leave. */
let survivor: OpenControlPlane
const tenants: string[] = []

before(async () => {
  site = await startControlSite()
  survivor = await site.open({ executorId: 'survivor' })
  await fillCatalogue(survivor)
})
after(() => site?.stop())

async function killAt(action: Action, killAt: number) {
  const tenant = `${action}-${killAt}`
  tenants.push(tenant)
  await arrange(survivor, action, tenant)
  const ending = await killProcess(site, { action, tenant, points: 'ports', killAt })
  await finish(survivor, action, tenant)
  await expectWhole(site, survivor, action, tenant)
  return ending
}

for (const action of ACTIONS) {
  test(`killed before and after each call to another plane during ${action}, another process finishes it`, async () => {
    let next = 1
    let passed = false
    let kills = 0
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (!passed) {
          const ending = await killAt(action, next++)
          if (ending === 'passed') passed = true
          else kills += 1
        }
      }),
    )
    assert.ok(kills >= 2, `only ${kills} points`)
  })
}

test('killed at random moments, nothing is half and nothing is lost', async () => {
  for (let round = 0; round < RANDOM_KILLS; round += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, index) => {
        const action = ACTIONS[(round + index) % ACTIONS.length] ?? 'onboard'
        const tenant = `random-${round + index}`
        tenants.push(tenant)
        await arrange(survivor, action, tenant)
        await killProcess(site, { action, tenant, points: 'ports' }, Math.random() * 200)
        await finish(survivor, action, tenant)
        await expectWhole(site, survivor, action, tenant)
      }),
    )
  }
})

test('at the end no engine holds anything that the registry does not know', async () => {
  assert.ok(tenants.length > RANDOM_KILLS)
  await expectNoOrphans(site, tenants)
})
