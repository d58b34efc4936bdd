import type { OpenProving } from '../boundaries/cell.ts'
import { openStagedProving } from '../strikes/staged-proving.ts'
import { FRONT_DOOR_ATTACKS } from './attacks/attacks.ts'
import { openFrontDoorRehearsal } from './front-door-rehearsal.ts'
import { makeGround } from './house/ground.ts'
import { SOUND } from './house/pieces.ts'
import { FRONT_DOOR_MUTANTS } from './mutants/mutants.ts'

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
 * configurations, in front of services and a ledger that hold canaries. It inspects nothing that
 * lives: `inspectConfiguration` reads a configuration that does.
 */
export function openFrontDoorProving(): Promise<OpenProving> {
  return openStagedProving({
    engine: FRONT_DOOR,
    folders: FOLDERS,
    facts: { 'front door': 'the gateway and vending of this version, on loopback' },
    attacks: FRONT_DOOR_ATTACKS,
    mutants: FRONT_DOOR_MUTANTS,
    rehearse: async (tenants) => openFrontDoorRehearsal(await makeGround(tenants), SOUND),
  })
}
