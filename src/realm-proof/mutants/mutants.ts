import { FORGOTTEN_REALMS } from './forgotten-realms.ts'
import type { RealmMutant } from './realm-mutant.ts'

/** Every mutant of realms: each is one careless change. */
export const REALM_MUTANTS: readonly RealmMutant[] = [...FORGOTTEN_REALMS]
