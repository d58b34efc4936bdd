import type { OpenProving } from '../boundaries/cell.ts'
import { openStagedProving } from '../strikes/staged-proving.ts'
import { REALM_ATTACKS } from './attacks/attacks.ts'
import { REALM_MUTANTS } from './mutants/mutants.ts'
import { openRealmRehearsal } from './realm-rehearsal.ts'

/** The parts of the program that make a realm. */
const FOLDERS = ['core', 'http', 'tokens', 'revocation', 'administration', 'identity']

/** What reports call it. */
export const REALMS = 'identity'

/**
 * A proof of realms: the real identity plane runs in this process, on a throw-away control database,
 * with a provider to each realm, its pages, federation and provisioning.
 */
export function openRealmProving(): Promise<OpenProving> {
  return openStagedProving({
    engine: REALMS,
    folders: FOLDERS,
    facts: { identity: 'the identity plane of this version, on an embedded database' },
    attacks: REALM_ATTACKS,
    mutants: REALM_MUTANTS,
    rehearse: openRealmRehearsal,
  })
}
