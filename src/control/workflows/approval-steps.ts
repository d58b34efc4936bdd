import { approvalOfWorkflow } from '../approval-row.ts'
import type { Step, Work } from './definition.ts'

/** Tells people outside that their decision is waited for. */
export const announceStep: Step = {
  run: async ({ channel, database, workflow }) => {
    const approval = await approvalOfWorkflow(database, workflow.id)
    const reference = await channel?.announce(approval)
    return {
      note: reference === undefined ? 'announced' : `announced as ${reference}`,
      apply: async (tx) => {
        await tx.query(
          'update registry.approval set external_ref = coalesce($2, external_ref) where id = $1',
          [approval.id, reference ?? null],
        )
      },
    }
  },
}

/** Waits for a second person. The decision, or the expiry, wakes the workflow. */
export const approvalStep: Step = {
  run: async ({ database, workflow, changes, cause }: Work) => {
    const approval = await approvalOfWorkflow(database, workflow.id)
    if (approval.state === 'pending') {
      return { waitUntil: approval.expiresAt, note: `waits for approval ${approval.id}` }
    }
    const by = approval.decidedBy ?? 'nobody'
    if (approval.state === 'approved') return { note: `approved by ${by}` }
    const why =
      approval.state === 'expired' ? 'the approval expired' : `the approval was refused by ${by}`
    return {
      endedBecause: why,
      // Nothing was made for it yet: its id is free again.
      apply: async (tx, row) => {
        await changes.change(tx, row, { status: 'erased' }, { ...cause, why })
      },
    }
  },
}

/** Opens a change record in the outside system, before any data is touched. */
export const changeRecordStep: Step = {
  run: async ({ channel, workflow, tenant, cause }) => {
    const reference = await channel?.record({
      workflow: workflow.id,
      kind: workflow.kind,
      tenant: tenant.id,
      requestedBy: workflow.by,
      summary: cause.why,
    })
    return {
      note: reference === undefined ? 'change recorded' : `change recorded as ${reference}`,
      output: reference ?? null,
    }
  },
}
