import type { OpenProving } from '../boundaries/cell.ts'
import { FRONT_DOOR_ATTACKS } from './attacks/attacks.ts'
import { FRONT_DOOR_TIERS } from './attacks/attack.ts'
import { FrontDoorRehearsal } from './front-door-rehearsal.ts'
import { makeGround } from './house/ground.ts'
import { SOUND } from './house/pieces.ts'
import { FRONT_DOOR_MUTANTS } from './mutants/mutants.ts'
import { programDigest } from '../strikes/program-digest.ts'

/** The parts of the program that a request passes through. */
const FOLDERS = [
  'core',
  'policy',
  'http',
  'tokens',
  'snapshot',
  'revocation',
  'gateway',
  'external-authorization',
  'vending',
  'sdk',
]

/** What reports call it. */
export const FRONT_DOOR = 'front-door'

/**
 * A proof of the way of a request: of everything between a caller and a lease. It needs no database
 * and no platform: the real gateway and the real vending run in this process, on throw-away
 * configurations, in front of services and a ledger that hold canaries. Nothing is started before it
 * is rehearsed.
 */
export async function openFrontDoorProving(): Promise<OpenProving> {
  return {
    provable: {
      engine: FRONT_DOOR,
      tiers: FRONT_DOOR_TIERS,
      // There is none that lives here: `inspectConfiguration` reads one that does.
      inspect: async () => [],
      attacks: () => FRONT_DOOR_ATTACKS,
      mutants: () => FRONT_DOOR_MUTANTS,
      rehearse: async (_tier, tenants) => FrontDoorRehearsal.open(await makeGround(tenants), SOUND),
    },
    facts: { 'front door': 'the gateway and vending of this version, on loopback' },
    subject: { name: 'ringfence/front-door', sha256: await programDigest(FOLDERS) },
    close: async () => undefined,
  }
}
