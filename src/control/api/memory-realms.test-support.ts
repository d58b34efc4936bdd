import {
  describedOperation,
  REALM_OPERATIONS,
  type RealmInput,
  type RealmItem,
  type RealmOperationName,
  type RealmOutput,
} from '../../administration/operations.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Actor, ControlPlane } from '../control-plane.ts'
import { pageOf } from './memory-page.test-support.ts'
import { MemoryRealm } from './memory-realm.test-support.ts'
import type { MemoryState } from './memory-state.test-support.ts'

/** Realms of tenants in memory: one each, made when somebody asks for the first time. */
export function memoryRealms(state: MemoryState): ControlPlane['realms'] {
  const realmOf = (tenant: TenantId): MemoryRealm => {
    if (state.tenant(tenant).status === 'erased') {
      throw new RingfenceError('not_found', 'no such tenant')
    }
    const realm = state.realmsByTenant.get(tenant) ?? new MemoryRealm(tenant)
    state.realmsByTenant.set(tenant, realm)
    return realm
  }
  const ask = async <N extends RealmOperationName>(
    name: N,
    tenant: TenantId,
    input: RealmInput<N>,
    by: Actor,
  ): Promise<RealmOutput<N>> => {
    state.check()
    const operation = describedOperation(name)
    const handle = realmOf(tenant).handlers[name] as (checked: unknown) => RealmOutput<N>
    const read = operation.input.safeParse(input)
    // As the realm's own administration says it.
    if (!read.success) {
      throw new RingfenceError('invalid_argument', read.error.issues[0]?.message ?? 'not valid')
    }
    const answer = handle(read.data)
    if (operation.act !== undefined) state.acts.push({ what: `${operation.act} ${tenant}`, by })
    return answer
  }
  return {
    ask,
    list: async (name, tenant, filter, page, by) => {
      const all = { ...filter, limit: 501 } as RealmInput<typeof name>
      const { items } = await ask(name, tenant, all, by)
      const keyOf = REALM_OPERATIONS[name].keyOf as (item: unknown) => string
      return pageOf(items as RealmItem<typeof name>[], keyOf, [name, tenant, filter], page)
    },
    revocations: async (tenant, page) => {
      state.check()
      realmOf(tenant)
      const at = new Date()
      const one = { kind: 'subject', id: 'alice', at, until: at } as const
      return pageOf([one], ({ id }) => id, ['revocations', tenant], page)
    },
  }
}
