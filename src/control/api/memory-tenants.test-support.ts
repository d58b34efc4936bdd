import { RingfenceError } from '../../core/errors.ts'
import type { ControlPlane } from '../control-plane.ts'
import { pageOf } from './memory-page.test-support.ts'
import type { MemoryState } from './memory-state.test-support.ts'

export function memoryTenants(state: MemoryState): ControlPlane['tenants'] {
  return {
    list: async (filter, page) => {
      state.check()
      const all = [...state.tenantsById.values()]
        .filter(
          (tenant) =>
            (filter.status === undefined || tenant.status === filter.status) &&
            (filter.region === undefined || tenant.region === filter.region) &&
            (filter.tier === undefined || tenant.tier === filter.tier),
        )
        .sort((a, b) => (a.id < b.id ? -1 : 1))
      return pageOf(all, ({ id }) => id, ['tenants', filter], page)
    },
    get: async (tenant) => {
      state.check()
      return state.tenant(tenant)
    },
    history: async (tenant, page) => {
      state.check()
      state.tenant(tenant)
      const changes = (state.changes.get(tenant) ?? []).map((change, index) => ({ change, index }))
      const found = pageOf(
        changes.reverse(),
        ({ index }) => String(1e6 - index),
        ['history', tenant],
        page,
      )
      return { items: found.items.map(({ change }) => change), next: found.next }
    },
    create: async (request, by) => {
      state.check()
      const before = state.tenantsById.get(request.id)
      if (before !== undefined && before.status !== 'erased') {
        throw new RingfenceError('already_exists', 'there is a tenant of this name already')
      }
      const plan = state.plansByName.get(request.plan)
      if (plan === undefined) throw new RingfenceError('not_found', 'there is no such plan')
      if (![...state.cellsByName.values()].some(({ region }) => region === request.region)) {
        throw new RingfenceError('no_capacity', 'no cell of the region has room')
      }
      const now = new Date()
      state.tenantsById.set(request.id, {
        ...request,
        hosts: request.hosts ?? [],
        status: 'requested',
        cell: undefined,
        issuer: undefined,
        legalHold: false,
        failure: undefined,
        createdAt: now,
        changedAt: now,
        revision: 1,
      })
      state.record(request.id, undefined, 'requested', by, 'asked for')
      const workflow = state.start('onboard', request.id, by, ['place', 'provision', 'smoke'])
      if (plan.approval) state.askApproval(workflow, by)
      return workflow
    },
    update: async (id, change, revision, by) => {
      state.check()
      const tenant = state.tenant(id)
      if (revision !== undefined && revision !== tenant.revision) {
        throw new RingfenceError('precondition_failed', 'the tenant has changed')
      }
      state.acts.push({ what: `update ${id}`, by })
      return state.touch(tenant, change)
    },
    suspend: async (tenant, why, by) => state.act('suspend', tenant, by, ['close'], why),
    resume: async (tenant, by) => state.act('resume', tenant, by, ['open'], 'resumed'),
    move: async (tenant, to, by) =>
      state.act('move', tenant, by, ['copy', 'cut-over', 'erase-old'], `to ${to}`, { to }),
    offboard: async (tenant, { purge, why }, by) => {
      if (state.tenant(tenant).legalHold) {
        throw new RingfenceError('conflict', 'the tenant is under a legal hold')
      }
      const steps = ['export', ...(purge ? [] : ['grace']), 'erase', 'receipt']
      return state.act('offboard', tenant, by, steps, why)
    },
    cancel: async (tenant, by) => {
      state.check()
      state.tenant(tenant)
      const workflow = [...state.workflowsById.values()].find(
        (one) => one.tenant === tenant && one.endedAt === undefined,
      )
      if (workflow === undefined) throw new RingfenceError('conflict', 'nothing is under way')
      state.acts.push({ what: `cancel ${tenant}`, by })
      Object.assign(workflow, { state: 'cancelled', endedAt: new Date() })
      state.emit(workflow.id, workflow.step ?? '', 'cancelled', undefined)
      return workflow
    },
    export: async (tenant, by) => state.act('export', tenant, by, ['export'], 'export'),
    receipt: async (tenant) => {
      state.check()
      if (state.tenant(tenant).status !== 'erased') {
        throw new RingfenceError('conflict', 'the tenant is not erased')
      }
      const payload = Buffer.from(JSON.stringify({ tenant })).toString('base64')
      const signatures = [{ keyid: 'k', sig: 'c2ln' }]
      return JSON.stringify({ payload, payloadType: 'application/vnd.in-toto+json', signatures })
    },
    leases: async (tenant) => {
      state.check()
      state.tenant(tenant)
      return [...state.leasesById.values()].filter((lease) => lease.tenant === tenant)
    },
    revoke: async (tenant, lease, by) => {
      state.check()
      state.tenant(tenant)
      return state.revoke(
        (record) => record.tenant === tenant && (lease === undefined || record.lease_id === lease),
        by,
      )
    },
    revokeWorkload: async (client, by) => {
      state.check()
      return state.revoke((record) => record.client === client, by)
    },
  }
}
