import type { z } from 'zod'
import { CLIENT_OPERATIONS } from './clients.ts'
import { CONNECTION_OPERATIONS } from './connections.ts'
import { GRANT_USE_OPERATIONS } from './grant-uses.ts'
import { GROUP_OPERATIONS } from './groups.ts'
import type { RealmCall, RealmListing, RealmOperation } from './operation.ts'
import { REALM_OPERATIONS_OF_ITS_OWN } from './realm.ts'
import { ROLE_OPERATIONS } from './roles.ts'
import { SESSION_OPERATIONS } from './sessions.ts'
import { USER_OPERATIONS } from './users.ts'
import type { TenantId } from '../core/tenant.ts'

/** All that operators can do to a tenant's realm. */
export const REALM_OPERATIONS = {
  ...REALM_OPERATIONS_OF_ITS_OWN,
  ...USER_OPERATIONS,
  ...GROUP_OPERATIONS,
  ...ROLE_OPERATIONS,
  ...CLIENT_OPERATIONS,
  ...CONNECTION_OPERATIONS,
  ...SESSION_OPERATIONS,
  ...GRANT_USE_OPERATIONS,
} as const satisfies Readonly<Record<string, RealmOperation>>

type Operations = typeof REALM_OPERATIONS
export type RealmOperationName = keyof Operations
/** What a caller gives. */
export type RealmInput<N extends RealmOperationName> = z.input<Operations[N]['input']>
/** The same, checked and with its defaults. */
export type CheckedInput<N extends RealmOperationName> = z.output<Operations[N]['input']>
export type RealmOutput<N extends RealmOperationName> = z.output<Operations[N]['output']>

export type RealmListingName = {
  [N in RealmOperationName]: Operations[N] extends RealmListing ? N : never
}[RealmOperationName]
export type RealmItem<N extends RealmListingName> = RealmOutput<N>['items'][number]

/**
 * Asks for one operation of one realm.
 * @throws RingfenceError what the operation refuses with; `engine_unavailable`, and then it may have
 *   been carried out or not: ask again with the same key
 */
export type AskRealm = <N extends RealmOperationName>(
  name: N,
  tenant: TenantId,
  input: RealmInput<N>,
  call?: RealmCall,
) => Promise<RealmOutput<N>>

/** The description, without the types of its own. */
export function describedOperation(name: RealmOperationName): RealmOperation {
  return REALM_OPERATIONS[name]
}

export const REALM_OPERATION_NAMES = Object.keys(REALM_OPERATIONS).filter(
  (name): name is RealmOperationName => name in REALM_OPERATIONS,
)
