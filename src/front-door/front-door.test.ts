import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testRehearsal } from '../strikes/rehearsal-tests.test-support.ts'
import { FRONT_DOOR_ATTACKS } from './attacks/attacks.ts'
import { LEFT_OUT } from './mutants/left-out.ts'
import { FRONT_DOOR_MUTANTS } from './mutants/mutants.ts'
import { openFrontDoorProving } from './open-proving.ts'

test('whichever check of the gateway or of vending is left out, an attack is known that gets in', () => {
  for (const { id, noticedBy } of LEFT_OUT) assert.ok(noticedBy?.length, id)
})

testRehearsal({
  what: 'the front door',
  prefix: 'fd',
  attacks: FRONT_DOOR_ATTACKS,
  mutants: FRONT_DOOR_MUTANTS,
  least: { attacks: 40, mutants: 25 },
  secret: /canary-|eyJ|-----/,
  async open(tenants) {
    const { provable } = await openFrontDoorProving()
    return provable.rehearse('pooled', tenants)
  },
})
