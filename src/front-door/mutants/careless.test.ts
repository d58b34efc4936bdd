import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { parseTenantId } from '../../core/tenant.ts'
import { FRONT_DOOR_ATTACKS } from '../attacks/attacks.ts'
import { FrontDoorRehearsal } from '../front-door-rehearsal.ts'
import { makeGround } from '../house/ground.ts'
import { type Pieces, SOUND } from '../house/pieces.ts'
import { carelessAssertion, carelessContext, carelessToken } from './careless-checks.ts'
import { CarelessFollower } from './careless-follower.ts'
import { carelessService } from './context-verifiers.ts'
import { replaced } from './front-door-mutant.ts'
import { behind, onServer } from './fronts.ts'

const [A, B] = [parseTenantId('acme'), parseTenantId('acme-1')]
const ground = await makeGround([A, B])

/** The careless pieces with nothing amiss: what an attack notices on a mutant is its one fault. */
const PIECES: Readonly<Record<string, Partial<Pieces>>> = {
  verifiers: {
    gatewayChecks: replaced(SOUND.gatewayChecks, carelessToken({})),
    vendingChecks: replaced(replaced(SOUND.vendingChecks, carelessAssertion()), carelessContext()),
    verifierOf: (ground) => carelessService(ground, undefined),
  },
  follower: { follow: (options) => CarelessFollower.open(options) },
  front: { openGateway: behind(onServer(false), (head) => head) },
}

/**
 * Of these what is written by hand is not capable: a verifier verifies nothing for a tenant that is
 * not there, and a follower keeps nothing on disk.
 */
const BEYOND: Readonly<Record<string, readonly string[]>> = {
  verifiers: ['fd-exists-by-work'],
  follower: ['fd-config-rolled-back-restart'],
}

for (const [what, pieces] of Object.entries(PIECES)) {
  describe(`careless ${what} with nothing amiss`, async () => {
    const rehearsal = await FrontDoorRehearsal.open(ground, { ...SOUND, ...pieces })
    after(() => rehearsal.close())
    const about = /^fd-(?:token|realm|route|framing|header|context|workload|config|exists)-/
    for (const attack of FRONT_DOOR_ATTACKS.filter(({ id }) => about.test(id))) {
      if (BEYOND[what]?.includes(attack.id)) continue
      test(`${attack.id} is denied`, async () => {
        const { verdict, owner, outcome } = await rehearsal.strike(attack, A, B)
        assert.equal(verdict, 'denied', `${owner} // ${outcome}`)
      })
    }
  })
}
