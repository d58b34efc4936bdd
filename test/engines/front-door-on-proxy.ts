import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseTenantId } from '../../src/core/tenant.ts'
import { FRONT_DOOR_ATTACKS } from '../../src/front-door/attacks/attacks.ts'
import { Duel } from '../../src/front-door/duel.ts'
import { Door, type DoorOptions } from '../../src/front-door/house/door.ts'
import { makeGround } from '../../src/front-door/house/ground.ts'
import { type House, openHouse } from '../../src/front-door/house/house.ts'
import { SOUND } from '../../src/front-door/house/pieces.ts'
import { judgeStrike } from '../../src/strikes/judge-strike.ts'
import type { OpenFront, ProxyFront } from './proxy-site.ts'

/** Served by the gateway itself only: even their owner cannot use them by another proxy. */
const BY_THE_GATEWAY =
  /^fd-(?:network-(?:spoofed|mapped)|upstream-connection|grant-tool|upgrade-(?:ended|revoked|suspended|shut-out)|mcp|guardrail-(?!others))/
/** What this way of standing does not hold: `docs/external-authorization.md` says so. */
export const NOT_HELD = [
  'fd-revoked-under-way',
  'fd-load-seats',
  'fd-limit-queue',
  // Callers come by one more proxy there, whose word neither nginx nor Envoy takes.
  'fd-network-blocked',
]

/** Makes tests of all of the front door's attacks, with another proxy in the place of the gateway. */
export function frontDoorOn(
  proxy: string,
  openFront: OpenFront<ProxyFront>,
  notHeld: readonly string[],
): void {
  describe(`the front door's attacks on ${proxy}`, () => {
    let house: House
    let door: Door
    const open = (options: DoorOptions) => Door.open(house, options)

    before(async () => {
      const ground = await makeGround(['acme', 'acme-1', 'birch'].map(parseTenantId))
      house = await openHouse(ground, { ...SOUND, openGateway: openFront })
      door = await open({})
    })
    after(async () => {
      await door.stop()
      await house.close()
    })

    for (const attack of FRONT_DOOR_ATTACKS.filter(({ id }) => !notHeld.includes(id))) {
      test(`${attack.id} does not get through`, async () => {
        const [attacker, victim] = house.ground.parties
        assert.ok(attacker && victim)
        const strike = await judgeStrike(attack, new Duel(door, attacker, victim, open))
        const { verdict, owner, outcome } = strike
        const expected = BY_THE_GATEWAY.test(attack.id) ? 'void' : 'denied'
        assert.equal(verdict, expected, `${owner} // ${outcome}`)
      })
    }
  })
}
