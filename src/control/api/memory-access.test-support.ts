import { RingfenceError } from '../../core/errors.ts'
import type { ControlPlane, StoredAnswer } from '../control-plane.ts'
import { hash, type MemoryState } from './memory-state.test-support.ts'

export function memoryCatalogue(state: MemoryState): ControlPlane['catalogue'] {
  return {
    cells: async () => {
      state.check()
      return [...state.cellsByName.values()]
    },
    putCell: async (cell, by) => {
      state.check()
      const before = state.cellsByName.get(cell.name)
      if (before !== undefined && before.region !== cell.region) {
        throw new RingfenceError('conflict', 'a cell stays in its region')
      }
      state.acts.push({ what: `cell ${cell.name}`, by })
      const view = { ...cell, tenants: before?.tenants ?? 0 }
      state.cellsByName.set(cell.name, view)
      return view
    },
    plans: async () => {
      state.check()
      return [...state.plansByName.values()]
    },
    putPlan: async (plan, by) => {
      state.check()
      state.acts.push({ what: `plan ${plan.name}`, by })
      state.plansByName.set(plan.name, plan)
      return plan
    },
  }
}

export function memoryOperators(state: MemoryState): ControlPlane['operators'] {
  return {
    authenticate: async (token, requestId) => {
      state.check()
      const person = state.signedIn.get(token)
      if (person !== undefined) return { ...person, requestId }
      const view = state.operatorsByHash.get(hash(token))
      const expired = view?.expiresAt !== undefined && view.expiresAt.getTime() <= Date.now()
      if (view === undefined || view.revokedAt !== undefined || expired) {
        throw new RingfenceError('not_authenticated', 'the token is not valid')
      }
      const { name, scopes, tenant } = view
      if (tenant === undefined) return { kind: 'operator', name, scopes, requestId }
      return { kind: 'administrator', name, scopes, tenant, requestId }
    },
    signIn: async () => {
      state.check()
      return { issuer: 'https://id.example', audience: 'urn:control', client: 'ringfence-cli' }
    },
    fourEyesSince: async () => {
      state.check()
      return new Date()
    },
    list: async () => {
      state.check()
      return [...state.operatorsByHash.values()]
    },
    create: async ({ name, scopes, seconds, tenant }, by) => {
      state.check()
      if ([...state.operatorsByHash.values()].some((operator) => operator.name === name)) {
        throw new RingfenceError('already_exists', 'there is or was an operator of this name')
      }
      state.acts.push({ what: `operator ${name}`, by })
      const token = state.operator(name, scopes, tenant)
      const operator = state.operatorsByHash.get(hash(token))
      if (operator === undefined) throw new Error('the operator was entered a line above')
      if (seconds !== undefined) operator.expiresAt = new Date(Date.now() + seconds * 1000)
      return { operator, token }
    },
    revoke: async (name, by) => {
      state.check()
      const view = [...state.operatorsByHash.values()].find((operator) => operator.name === name)
      if (view === undefined) throw new RingfenceError('not_found', 'there is no such operator')
      state.acts.push({ what: `revoke ${name}`, by })
      view.revokedAt ??= new Date()
      return view
    },
    bootstrap: async () =>
      state.operatorsByHash.size > 0 ? undefined : state.operator('first-operator'),
  }
}

export function memoryJobs(state: MemoryState): ControlPlane['jobs'] {
  return {
    authenticate: async (assertion, requestId) => {
      state.check()
      const workload = state.assertions.get(assertion)
      if (workload === undefined) throw new RingfenceError('not_authenticated', 'not valid')
      // Good once, as a real one.
      state.assertions.delete(assertion)
      const { name, service } = workload
      return { kind: 'workload', name, scopes: [], requestId, service }
    },
    contexts: async (request, by) => {
      state.check()
      const ids = request.tenants ?? [...state.tenantsById.keys()]
      const active = ids.filter((id) => state.tenantsById.get(id)?.status === 'active')
      if (request.tenants !== undefined && active.length < request.tenants.length) {
        throw new RingfenceError('tenant_unknown', 'no such active tenant')
      }
      state.acts.push({ what: `job ${request.job}`, by })
      const expiresAt = new Date(Date.now() + request.seconds * 1000)
      return active.map((tenant) => ({ tenant, token: `context-of-${tenant}`, expiresAt }))
    },
  }
}

export function memoryIdempotency(state: MemoryState): ControlPlane['idempotency'] {
  return {
    once: async (actor, key, fingerprint, work) => {
      state.check()
      const entry = `${actor.kind}:${actor.name}:${key}`
      const before = state.answers.get(entry)
      if (before !== undefined) {
        if (before.fingerprint !== fingerprint) {
          throw new RingfenceError(
            'idempotency_key_reused',
            'the key was used with another request',
          )
        }
        if (before.answer === undefined) {
          throw new RingfenceError('conflict', 'the first call with this key is under way')
        }
        return { ...before.answer, repeated: true }
      }
      const mine: { fingerprint: string; answer: StoredAnswer | undefined } = {
        fingerprint,
        answer: undefined,
      }
      state.answers.set(entry, mine)
      try {
        mine.answer = await work()
      } catch (error) {
        state.answers.delete(entry)
        throw error
      }
      return { ...mine.answer, repeated: false }
    },
  }
}
