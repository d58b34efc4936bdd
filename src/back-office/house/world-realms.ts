import { randomUUID } from 'node:crypto'
import { GRANT_USE_OPERATIONS, type WireGrantUse } from '../../administration/grant-uses.ts'
import {
  type AskRealm,
  describedOperation,
  type RealmInput,
  type RealmOutput,
} from '../../administration/operations.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'

type User = RealmOutput<'getUser'>

/**
 * Realms and their users, where the identity plane would be. It believes the control plane as to which
 * realm is meant, as that one does, also in the operators' own.
 */
export class WorldRealms {
  readonly #users = new Map<TenantId, Map<string, User>>()
  /** Of grants, as each tenant's own realm has recorded them. */
  readonly uses = new Map<TenantId, readonly WireGrantUse[]>()

  /** As the control plane asks. What is not about users answers that there is no such thing. */
  readonly ask: AskRealm = async (name, tenant, input) => {
    const operation = describedOperation(name)
    const answer = this.#answer(name, tenant, operation.input.parse(input))
    return operation.output.parse(answer) as RealmOutput<typeof name>
  }

  /** In whose realm a user of this id is. */
  realmOf(user: string): TenantId | undefined {
    return [...this.#users].find(([, users]) => users.has(user))?.[0]
  }

  /** All of a realm, in which every change shows. */
  stateOf(tenant: TenantId): string {
    return JSON.stringify([...(this.#users.get(tenant)?.values() ?? [])])
  }

  #answer(name: string, tenant: TenantId, input: unknown): unknown {
    const users = this.#users.get(tenant) ?? new Map<string, User>()
    this.#users.set(tenant, users)
    const there = (id: string): User => {
      const found = users.get(id)
      if (found === undefined) throw new RingfenceError('not_found', 'there is no such user')
      return found
    }
    switch (name) {
      case 'getRealm':
        return { issuer: 'x', display_name: 'x', open: true, settings: {}, revision: 1 }
      case 'listUsers': {
        const { limit = 100, after = '' } = input as RealmInput<'listUsers'>
        const later = [...users.values()].filter(({ id }) => id > after)
        return { items: later.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit) }
      }
      case 'createUser': {
        const made = userOf(input as RealmInput<'createUser'>)
        users.set(made.id, made)
        return made
      }
      case 'getUser':
        return there((input as RealmInput<'getUser'>).user)
      case 'updateUser': {
        const { user, if_revision, ...change } = input as RealmInput<'updateUser'>
        const before = there(user)
        if (if_revision !== undefined && if_revision !== before.revision) {
          throw new RingfenceError('precondition_failed', 'it was changed meanwhile')
        }
        const after = { ...before, ...change, revision: before.revision + 1 }
        users.set(user, after as User)
        return after
      }
      case 'removeUser': {
        users.delete(there((input as RealmInput<'removeUser'>).user).id)
        return { at: new Date().toISOString() }
      }
      case 'listGrantUses': {
        const { grant, limit = 100, after } = input as RealmInput<'listGrantUses'>
        const { keyOf } = GRANT_USE_OPERATIONS.listGrantUses
        const own = (this.uses.get(tenant) ?? []).filter((use) => use.grant === grant)
        const later = own.filter((use) => after === undefined || keyOf(use) < after)
        return { items: later.slice(0, limit) }
      }
      case 'revoke':
        return { at: new Date().toISOString() }
      default:
        throw new RingfenceError('not_found', 'there is no such thing')
    }
  }
}

function userOf({ id = randomUUID(), ...said }: RealmInput<'createUser'>): User {
  const at = new Date().toISOString()
  return {
    id,
    user_name: said.user_name ?? null,
    email: said.email ?? null,
    email_verified: said.email_verified ?? false,
    display_name: said.display_name ?? null,
    given_name: said.given_name ?? null,
    family_name: said.family_name ?? null,
    external_id: said.external_id ?? null,
    active: said.active ?? true,
    created_at: at,
    changed_at: at,
    revision: 1,
  }
}
