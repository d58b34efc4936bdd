import { BRIDGE_MUTANTS } from './bridge.ts'
import { CUSTODY_MUTANTS } from './custody.ts'
import { GRANT_MUTANTS } from './grants.ts'
import { GUARD_RAIL_MUTANTS } from './guard-rails.ts'
import { IDENTITY_MUTANTS } from './identity.ts'
import { KEY_MUTANTS } from './keys.ts'
import { NOTICED_BY } from './noticed-by.ts'
import { OBJECT_MUTANTS } from './objects.ts'
import type { PostgresMutant } from './postgres-mutant.ts'
import { POWER_MUTANTS } from './powers.ts'
import { ROLE_MUTANTS } from './roles.ts'
import { ROW_SECURITY_MUTANTS } from './row-security.ts'
import { SERVER_MUTANTS } from './server.ts'
import { SILO_MUTANTS } from './silo.ts'
import { SYSTEM_MUTANTS } from './system.ts'

const ALL: readonly PostgresMutant[] = [
  ...ROW_SECURITY_MUTANTS,
  ...IDENTITY_MUTANTS,
  ...KEY_MUTANTS,
  ...GRANT_MUTANTS,
  ...OBJECT_MUTANTS,
  ...SYSTEM_MUTANTS,
  ...GUARD_RAIL_MUTANTS,
  ...ROLE_MUTANTS,
  ...CUSTODY_MUTANTS,
  ...SERVER_MUTANTS,
  ...BRIDGE_MUTANTS,
  ...SILO_MUTANTS,
  ...POWER_MUTANTS,
]

/** Every mutant of this boundary: each is one careless change. */
export const MUTANTS: readonly PostgresMutant[] = ALL.map((mutant) => ({
  ...mutant,
  noticedBy: NOTICED_BY[mutant.id] ?? [],
}))

/** Those that may be tried on a server that others use too. */
export const MUTANTS_FOR_SHARED_SERVERS: readonly PostgresMutant[] = MUTANTS.filter(
  (mutant) => !mutant.needsOwnServer,
)
