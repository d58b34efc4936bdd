import type { RealmCall } from '../../administration/operation.ts'
import { describedOperation, type RealmOperationName } from '../../administration/operations.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import { clientHandlers } from './clients.ts'
import { connectionHandlers } from './connections.ts'
import { grantUseHandlers } from './grant-uses.ts'
import { groupHandlers } from './groups.ts'
import { realmHandlers } from './realm.ts'
import type { Asked } from './realm-handlers.ts'
import type { RealmServices } from './realm-services.ts'
import { roleHandlers } from './roles.ts'
import { sessionHandlers } from './sessions.ts'
import { userHandlers } from './users.ts'

/** Does what is asked for by name. */
export type AnswerRealm = (
  name: RealmOperationName,
  tenant: TenantId,
  input: unknown,
  call: RealmCall,
) => Promise<unknown>

/** Every operation of `src/administration`, done by the parts of this plane. */
export function realmAdministrator(services: RealmServices): AnswerRealm {
  const handlers = {
    ...realmHandlers(services),
    ...userHandlers(services),
    ...groupHandlers(services),
    ...roleHandlers(services),
    ...clientHandlers(services),
    ...connectionHandlers(services),
    ...sessionHandlers(services),
    ...grantUseHandlers(services),
  }
  return async (name, tenant, input, call) => {
    const read = describedOperation(name).input.safeParse(input)
    if (!read.success) {
      const issue = read.error.issues[0]
      const where = issue?.path.join('.') || 'the request'
      throw new RingfenceError('invalid_argument', `${where}: ${issue?.message ?? 'invalid'}`)
    }
    // The input is what this operation's own schema made of it.
    const handle = handlers[name] as (asked: Asked<unknown>) => Promise<unknown>
    return handle({ tenant, input: read.data, call })
  }
}
