import { z } from 'zod'
import type { CutOver } from '../../boundaries/boundary.ts'
import { RingfenceError } from '../../core/errors.ts'
import { TIERS } from '../../core/tenant.ts'
import { changeRecordStep } from './approval-steps.ts'
import type { Definition, Step, Work } from './definition.ts'
import { refuseResidue } from './erasure.ts'
import { keepPlacements } from './placements.ts'
import { smokeEverywhere } from './smoke.ts'

const inputSchema = z.object({ to: z.enum(TIERS) })
/** What may be left for the write pause, in rows. */
const LITTLE = 500
/** Rounds after which more of them would not help: the tenant writes as fast as we copy. */
const ROUNDS_MAX = 20

const prepare: Step = {
  undoneOnFailure: true,
  run: async (work) => {
    const { to } = inputSchema.parse(work.workflow.input)
    let copied = 0
    for (const boundary of await work.boundaries()) {
      copied += (await boundary.prepareMove(work.tenant.id, to)).copied
    }
    return { note: `${copied} rows copied` }
  },
}

const catchUp: Step = {
  undoneOnFailure: true,
  run: async (work) => {
    let copied = 0
    for (const boundary of await work.boundaries()) {
      for (let round = 1; round <= ROUNDS_MAX; round += 1) {
        const progress = await boundary.catchUp(work.tenant.id)
        copied += progress.copied
        if (progress.copied <= LITTLE || (await work.calledOff())) break
      }
    }
    return { note: `${copied} rows caught up with` }
  },
}

const pause: Step = {
  undoneOnFailure: true,
  run: async ({ changes, cause }) => ({
    note: 'writes wait',
    apply: async (tx, tenant) => {
      await changes.change(tx, tenant, { serving: 'paused' }, cause)
    },
  }),
}

const cutOver: Step = {
  commits: true,
  undoneOnFailure: true,
  run: async (work) => {
    const { to } = inputSchema.parse(work.workflow.input)
    const boundaries = await work.boundaries()
    const done: CutOver[] = []
    for (const boundary of boundaries) done.push(await boundary.cutOver(work.tenant.id))
    const placements = done.map(({ placement }) => placement)
    if (placements.some(({ tier, cell }) => tier !== to || cell !== work.tenant.cell)) {
      throw new RingfenceError('move_failed', 'the new place is not the one that was asked for')
    }
    return {
      note: `verified and cut over, writes paused for ${Math.max(0, ...done.map((one) => one.pausedMs))} ms`,
      output: done.map(({ verified, pausedMs }, index) => ({
        engine: boundaries[index]?.engine,
        verified,
        pausedMs,
      })),
      apply: async (tx, tenant) => {
        await keepPlacements(tx, tenant.id, boundaries, placements)
        await work.changes.change(tx, tenant, { tier: to }, work.cause)
      },
    }
  },
}

const smoke: Step = {
  fresh: true,
  // A new place that may leak is served to nobody, not even for reading.
  failed: () => ({ serving: 'suspended' }),
  run: async (work) => ({ note: await smokeEverywhere(work) }),
}

const activate: Step = {
  run: async ({ changes, cause }) => ({
    note: 'active in its new place',
    apply: async (tx, tenant) => {
      await changes.change(tx, tenant, { status: 'active', serving: 'active' }, cause)
    },
  }),
}

const finish: Step = {
  run: async (work) => {
    for (const boundary of await work.boundaries()) {
      refuseResidue(await boundary.finishMove(work.tenant.id))
    }
    return { note: 'the old place is erased' }
  },
}

/**
 * Changes the tier inside the tenant's cell: copy while the tenant works, a short write pause, cut
 * over, live checks, and only then the old place goes. Before the cut-over every failure, and a
 * cancel, leaves the tenant active as it was.
 */
export const move: Definition = {
  kind: 'move',
  steps: {
    record: { ...changeRecordStep, undoneOnFailure: true },
    prepare,
    'catch-up': catchUp,
    pause,
    'cut-over': cutOver,
    smoke,
    activate,
    finish,
  },
  undo: async (work: Work) => {
    // The first engine cuts over first: when it refuses, nothing has been taken back.
    for (const boundary of await work.boundaries()) await boundary.abortMove(work.tenant.id)
    return async (tx, tenant) => {
      if (tenant.status !== 'moving') return
      await work.changes.change(
        tx,
        tenant,
        { status: 'active', serving: 'active' },
        { ...work.cause, why: 'the move was taken back' },
      )
    }
  },
  result: (outputs) => outputs['cut-over'],
}
