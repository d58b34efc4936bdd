import type { OpenProving } from '../boundaries/cell.ts'
import { programDigest } from '../strikes/program-digest.ts'
import { PROVEN_ONCE } from '../strikes/staged-attack.ts'
import { REALM_ATTACKS } from './attacks/attacks.ts'
import { REALM_MUTANTS } from './mutants/mutants.ts'
import { RealmRehearsal } from './realm-rehearsal.ts'

/** The parts of the program that make a realm. */
const FOLDERS = ['core', 'http', 'tokens', 'revocation', 'administration', 'identity']

/** What reports call it. */
export const REALMS = 'identity'

/**
 * A proof of realms: the real identity plane runs in this process, on a throw-away control database,
 * with a provider to each realm, its pages, federation and provisioning. Nothing is started before it
 * is rehearsed.
 */
export async function openRealmProving(): Promise<OpenProving> {
  return {
    provable: {
      engine: REALMS,
      tiers: PROVEN_ONCE,
      inspect: async () => [],
      attacks: () => REALM_ATTACKS,
      mutants: () => REALM_MUTANTS,
      rehearse: (_tier, tenants) => RealmRehearsal.open(tenants),
    },
    facts: { identity: 'the identity plane of this version, on an embedded database' },
    subject: { name: 'ringfence/identity', sha256: await programDigest(FOLDERS) },
    close: async () => undefined,
  }
}
