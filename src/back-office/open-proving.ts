import type { OpenProving } from '../boundaries/cell.ts'
import { openStagedProving } from '../strikes/staged-proving.ts'
import { BACK_OFFICE_ATTACKS } from './attacks/attacks.ts'
import { openBackOfficeRehearsal } from './back-office-rehearsal.ts'
import { BACK_OFFICE_MUTANTS } from './mutants/mutants.ts'

/** The parts of the program that a call of the control API passes through. */
const FOLDERS = ['core', 'http', 'tokens', 'snapshot', 'control']

/** What reports call it. */
export const CONTROL_API = 'control-api'

/**
 * A proof of the control API: the real control plane and its API run in this process, on a throw-away
 * control database, in front of cells and realms in memory that hold canaries.
 */
export function openControlApiProving(): Promise<OpenProving> {
  return openStagedProving({
    engine: CONTROL_API,
    folders: FOLDERS,
    facts: { 'control API': 'the control plane of this version, on an embedded database' },
    attacks: BACK_OFFICE_ATTACKS,
    mutants: BACK_OFFICE_MUTANTS,
    rehearse: openBackOfficeRehearsal,
  })
}
