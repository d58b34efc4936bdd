import type { OpenProving } from '../boundaries/cell.ts'
import { PROVEN_ONCE } from '../strikes/staged-attack.ts'
import { programDigest } from '../strikes/program-digest.ts'
import { BACK_OFFICE_ATTACKS } from './attacks/attacks.ts'
import { BackOfficeRehearsal } from './back-office-rehearsal.ts'
import { BACK_OFFICE_MUTANTS } from './mutants/mutants.ts'

/** The parts of the program that a call of the control API passes through. */
const FOLDERS = ['core', 'http', 'tokens', 'snapshot', 'control']

/** What reports call it. */
export const CONTROL_API = 'control-api'

/**
 * A proof of the control API: the real control plane and its API run in this process, on a throw-away
 * control database, in front of cells and realms in memory that hold canaries. Nothing is started
 * before it is rehearsed.
 */
export async function openControlApiProving(): Promise<OpenProving> {
  return {
    provable: {
      engine: CONTROL_API,
      tiers: PROVEN_ONCE,
      inspect: async () => [],
      attacks: () => BACK_OFFICE_ATTACKS,
      mutants: () => BACK_OFFICE_MUTANTS,
      rehearse: (_tier, tenants) => BackOfficeRehearsal.open(tenants),
    },
    facts: { 'control API': 'the control plane of this version, on an embedded database' },
    subject: { name: 'ringfence/control-api', sha256: await programDigest(FOLDERS) },
    close: async () => undefined,
  }
}
