import { RingfenceError } from '../../core/errors.ts'
import type { ControlPlane } from '../control-plane.ts'
import { pageOf } from './memory-page.test-support.ts'
import type { MemoryState } from './memory-state.test-support.ts'
import { verifyWebhook } from '../approvals/standard-webhooks.ts'

export const MEMORY_WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

export function memoryWorkflows(state: MemoryState): ControlPlane['workflows'] {
  return {
    list: async (filter, page) => {
      state.check()
      const all = [...state.workflowsById.values()]
        .map((workflow, index) => ({ workflow, index }))
        .filter(
          ({ workflow }) =>
            (filter.tenant === undefined || workflow.tenant === filter.tenant) &&
            (filter.state === undefined || workflow.state === filter.state),
        )
        .reverse()
      const found = pageOf(all, ({ index }) => String(1e6 - index), ['workflows', filter], page)
      return { items: found.items.map(({ workflow }) => workflow), next: found.next }
    },
    get: async (id) => {
      state.check()
      return state.workflow(id)
    },
    events: (id, after, signal) => state.events(id, after, signal),
  }
}

export function memoryApprovals(state: MemoryState): ControlPlane['approvals'] {
  return {
    list: async (filter, page) => {
      state.check()
      const all = [...state.approvalsById.values()]
        .filter(({ state }) => filter.state === undefined || state === filter.state)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
      return pageOf(all, ({ id }) => id, ['approvals', filter], page)
    },
    get: async (id) => {
      state.check()
      return state.approval(id)
    },
    decide: async (id, approve, comment, by) => {
      state.check()
      return state.decide(id, approve, comment, by.name)
    },
    receiveWebhook: async (headers, body) => {
      state.check()
      const { id, decision } = verifyWebhook([MEMORY_WEBHOOK_SECRET], headers, body)
      if (state.webhooksSeen.has(id)) throw new RingfenceError('conflict', 'seen before')
      state.webhooksSeen.add(id)
      const { approval, approve, comment, decided_by } = decision
      return state.decide(approval, approve, comment, `webhook:${decided_by}`)
    },
  }
}
