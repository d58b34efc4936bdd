import { testNothingAmiss } from '../../strikes/rehearsal-tests.test-support.ts'
import { FRONT_DOOR_ATTACKS } from '../attacks/attacks.ts'
import { openFrontDoorRehearsal } from '../front-door-rehearsal.ts'
import { makeGround } from '../house/ground.ts'
import { type Pieces, SOUND } from '../house/pieces.ts'
import { carelessAssertion, carelessContext, carelessToken } from './careless-checks.ts'
import { CarelessFollower } from './careless-follower.ts'
import { carelessService } from './context-verifiers.ts'
import { replaced } from './front-door-mutant.ts'
import { behind, onServer } from './fronts.ts'

/** What mutants make worse. */
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

/** Attacks on what these decide. */
const DECIDED = /^fd-(?:token|realm|route|framing|header|context|workload|config|exists)-/

for (const [what, pieces] of Object.entries(PIECES)) {
  testNothingAmiss(`careless ${what}`, {
    attacks: FRONT_DOOR_ATTACKS.filter(
      ({ id }) => DECIDED.test(id) && BEYOND[what]?.includes(id) !== true,
    ),
    open: async (tenants) =>
      openFrontDoorRehearsal(await makeGround(tenants), { ...SOUND, ...pieces }),
  })
}
