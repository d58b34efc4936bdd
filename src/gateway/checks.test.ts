import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GATEWAY_ATTACKS } from './attacks.test-support.ts'
import { AUDIT_ATTACKS } from './audit-attacks.test-support.ts'
import { GATEWAY_CHECKS } from './checks.ts'
import { openDoor, tokenOf } from './door.test-support.ts'
import { GRANT_ATTACKS } from './grant-attacks.test-support.ts'
import { GUARDRAIL_ATTACKS } from './guardrail-attacks.test-support.ts'
import { LIMIT_ATTACKS } from './limit-attacks.test-support.ts'
import { NETWORK_ATTACKS } from './network-attacks.test-support.ts'
import { POLICY_ATTACKS } from './policy-attacks.test-support.ts'
import { PROOF_ATTACKS } from './proof-attacks.test-support.ts'
import { UPGRADE_ATTACKS } from './upgrade-attacks.test-support.ts'

const ATTACKS = [
  ...AUDIT_ATTACKS,
  ...GATEWAY_ATTACKS,
  ...GRANT_ATTACKS,
  ...GUARDRAIL_ATTACKS,
  ...LIMIT_ATTACKS,
  ...NETWORK_ATTACKS,
  ...UPGRADE_ATTACKS,
  ...PROOF_ATTACKS,
  ...POLICY_ATTACKS,
]

test('an honest request gets through', async (t) => {
  const door = await openDoor(t)
  const { status } = await door.ask({ path: '/t/acme/clinic/x', token: tokenOf('acme') })
  assert.equal(status, 200)
})

for (const attack of ATTACKS) {
  test(`${attack.title}: does not get through`, async (t) => {
    assert.equal(await attack.run(await openDoor(t, attack.options)), false)
  })
}

for (const { name } of GATEWAY_CHECKS) {
  test(`without the check ${name} an attack gets through`, async (t) => {
    const checks = GATEWAY_CHECKS.filter((check) => check.name !== name)
    const attacks = ATTACKS.filter(({ against }) => against === name)
    const through = await Promise.all(
      attacks.map(async (attack) => attack.run(await openDoor(t, { ...attack.options, checks }))),
    )
    assert.ok(through.includes(true), 'nobody noticed')
  })
}

test('every attack is against a check that there is', () => {
  const names = new Set(GATEWAY_CHECKS.map(({ name }) => name))
  assert.equal(names.size, GATEWAY_CHECKS.length)
  for (const { against } of ATTACKS) assert.ok(names.has(against), against)
})
