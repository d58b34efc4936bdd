import { randomUUID } from 'node:crypto'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import type { ControlPlane } from '../control-plane.ts'
import { pageOf } from './memory-page.test-support.ts'
import type { MemoryState, Writable } from './memory-state.test-support.ts'
import type { SupportView } from '../support/support.ts'

export function memoryPeople(state: MemoryState): ControlPlane['people'] {
  const found = (subject: string) => {
    const person = state.peopleBySubject.get(subject)
    if (person === undefined) throw new RingfenceError('not_found', 'no such operator')
    return person
  }
  return {
    list: async () => {
      state.check()
      return [...state.peopleBySubject.values()]
    },
    get: async (person) => {
      state.check()
      return found(person)
    },
    invite: async ({ email, displayName, roles }, by) => {
      state.check()
      state.acts.push({ what: `invite ${email}`, by })
      const subject = parseSubject(email.split('@')[0])
      const person = { subject, email, displayName, roles, active: true, createdAt: new Date() }
      state.peopleBySubject.set(subject, person)
      return person
    },
    setRoles: async (person, roles, by) => {
      state.check()
      state.acts.push({ what: `roles ${person}`, by })
      return Object.assign(found(person), { roles })
    },
    remove: async (person, by) => {
      state.check()
      const before = found(person)
      state.acts.push({ what: `remove ${person}`, by })
      return Object.assign(before, { active: false })
    },
  }
}

export function memorySecurity(state: MemoryState): ControlPlane['security'] {
  return {
    replaceKeys: async (tenant, _compromised, by) => {
      state.check()
      state.tenant(tenant)
      state.acts.push({ what: `keys ${tenant}`, by })
    },
    revokeEverything: async (why, by) => {
      state.check()
      state.acts.push({ what: `everything: ${why}`, by })
      return { at: new Date() }
    },
  }
}

export function memorySupport(state: MemoryState): ControlPlane['support'] {
  const found = (id: string): Writable<SupportView> => {
    const access = state.supportById.get(id)
    if (access === undefined) throw new RingfenceError('not_found', 'no such support access')
    return access
  }
  const over = (id: string, to: 'ended' | 'revoked', why: string, by: string) => {
    const access = found(id)
    if (access.state !== 'active') throw new RingfenceError('conflict', 'the access is over')
    const change = { at: new Date(), from: access.state, to, by, why }
    return Object.assign(access, { state: to, changes: [...access.changes, change] })
  }
  const key = (id: string) => {
    const { tenant, state: stands, endsAt } = found(id)
    if (stands !== 'active') throw new RingfenceError('conflict', 'the access is not active')
    return { tenant, token: `key-of-${id}`, expiresAt: endsAt ?? new Date() }
  }
  return {
    list: async (filter, page) => {
      state.check()
      const all = [...state.supportById.values()].filter(
        (one) =>
          (filter.tenant === undefined || one.tenant === filter.tenant) &&
          (filter.state === undefined || one.state === filter.state),
      )
      return pageOf(all, ({ id }) => id, ['support', filter], page)
    },
    get: async (id) => {
      state.check()
      return found(id)
    },
    request: async ({ tenant, scope, seconds, reason }, by) => {
      state.check()
      state.tenant(tenant)
      state.acts.push({ what: `support ${tenant}`, by })
      const now = new Date()
      const access: SupportView = {
        id: `support-${randomUUID()}`,
        ...{ tenant, scope, seconds, reason },
        operator: by.person ?? `token:${by.name}`,
        policy: state.supportPolicies.get(tenant) ?? 'second-person',
        state: 'active',
        alone: true,
        requestedBy: by.name,
        requestedAt: now,
        decideBy: new Date(now.getTime() + 86_400_000),
        endsAt: new Date(now.getTime() + seconds * 1000),
        approval: undefined,
        approvedBy: undefined,
        consentedBy: undefined,
        changes: [{ at: now, from: undefined, to: 'active', by: by.name, why: reason }],
        revision: 1,
      }
      state.supportById.set(access.id, access)
      return access
    },
    end: async (id, why, by) => {
      state.check()
      return over(id, 'ended', why, by.name)
    },
    revoke: async (id, why, by) => {
      state.check()
      return over(id, 'revoked', why, by.name)
    },
    context: async (id) => {
      state.check()
      return key(id)
    },
    token: async (id) => {
      state.check()
      return key(id)
    },
    policy: async (tenant) => {
      state.check()
      state.tenant(tenant)
      return state.supportPolicies.get(tenant) ?? 'consent-and-second-person'
    },
    setPolicy: async (tenant, policy, by) => {
      state.check()
      state.tenant(tenant)
      state.acts.push({ what: `policy ${tenant}`, by })
      state.supportPolicies.set(tenant, policy)
      return policy
    },
  }
}
