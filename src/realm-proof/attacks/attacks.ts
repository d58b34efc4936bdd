import type { RealmAttack } from './attack.ts'
import { CLIENTS } from './clients.ts'
import { GRANTS } from './grants.ts'

/** How somebody who owns one realm, or nothing at all, would get into another. */
export const REALM_ATTACKS: readonly RealmAttack[] = [...GRANTS, ...CLIENTS]
