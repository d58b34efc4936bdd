import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { TenantRow } from '../tenant-row.ts'
import type { Apply, Definition, Outcome, Services, Step, Work } from './definition.ts'
import { DEFINITIONS } from './definitions.ts'
import type { Executor } from './executor.ts'
import { addEvent } from './progress.ts'
import { withRetries } from './retry.ts'
import { enterStep, type Entry, lockOurs, outputsOf } from './step-entry.ts'
import { findWorkflow, stepsOf, type WorkflowRow } from './workflow-row.ts'

/** How a step ended for the run: only after `done` the next one follows. */
export type StepEnd = 'done' | 'waiting' | 'failed' | 'cancelled' | 'not ours'

/**
 * Runs steps of workflows and keeps their state in the registry, which is the truth about them. The
 * workflow library around it sees to it that somebody calls it until a run has ended.
 */
export class WorkflowEngine {
  readonly #services: Services
  readonly #executor: Executor

  constructor(services: Services, executor: Executor) {
    this.#services = services
    this.#executor = executor
  }

  /** The names of the steps that a run has still to do. */
  async remaining(id: string): Promise<readonly string[]> {
    const steps = await stepsOf(this.#services.database, id)
    return steps.filter((step) => step.state !== 'done').map((step) => step.name)
  }

  async step(id: string, run: number, name: string): Promise<StepEnd> {
    const { database } = this.#services
    const kind = (await findWorkflow(database, id))?.kind
    const definition = kind === undefined ? undefined : DEFINITIONS[kind]
    const step = definition?.steps[name]
    if (definition === undefined || step === undefined) return 'not ours'
    const entry = await enterStep(database, this.#executor, id, run, name, step)
    if (entry === undefined) return 'not ours'
    if (entry === 'done') return 'done'
    const work = this.#work(entry, name)
    try {
      if (entry.refused !== undefined) throw entry.refused
      if (entry.calledOff) return await this.#callOff(definition, work, name)
      const outcome = await this.#patiently(work, () => step.run(work))
      return await this.#settle(work, name, outcome)
    } catch (error) {
      const undo = step.undoneOnFailure === true && !entry.calledOff ? definition.undo : undefined
      return this.#fail(undo, step, work, name, error)
    }
  }

  /** Ends a workflow whose steps are all done. */
  async succeed(id: string, run: number): Promise<StepEnd> {
    const seen = await findWorkflow(this.#services.database, id)
    if (seen === undefined) return 'not ours'
    return this.#ours({ ...seen, run }, async (tx, _tenant, workflow) => {
      const steps = await stepsOf(tx, id)
      const result = DEFINITIONS[workflow.kind].result?.(outputsOf(steps))
      await end(tx, id, 'succeeded', null, result)
      await addEvent(tx, id, steps.at(-1)?.name ?? workflow.kind, 'succeeded', undefined)
      return 'done'
    })
  }

  async #settle(work: Work, name: string, outcome: Outcome): Promise<StepEnd> {
    return this.#ours(work.workflow, async (tx, tenant) => {
      const { id } = work.workflow
      if ('waitUntil' in outcome) {
        // Whoever wakes it may have come before us: `wake_at` then stays at the earlier moment.
        await tx.query(
          `update registry.workflow set state = 'waiting', executor = null,
                  wake_at = least(wake_at, $2) where id = $1`,
          [id, outcome.waitUntil],
        )
        await addEvent(tx, id, name, 'waiting', outcome.note)
        return 'waiting'
      }
      await outcome.apply?.(tx, tenant)
      if ('endedBecause' in outcome) {
        await endStep(tx, id, name, 'failed', outcome.endedBecause, null)
        await end(tx, id, 'cancelled', outcome.endedBecause)
        await addEvent(tx, id, name, 'cancelled', outcome.endedBecause)
        return 'cancelled'
      }
      await endStep(tx, id, name, 'done', outcome.note, outcome.output ?? null)
      await addEvent(tx, id, name, 'done', outcome.note)
      return 'done'
    })
  }

  async #callOff(definition: Definition, work: Work, name: string): Promise<StepEnd> {
    const apply = await this.#patiently(work, async () => definition.undo?.(work))
    const why = `called off by ${work.workflow.cancel_by}`
    return this.#ours(work.workflow, async (tx, tenant) => {
      await apply?.(tx, tenant)
      await endStep(tx, work.workflow.id, name, 'pending', why, null)
      await end(tx, work.workflow.id, 'cancelled', why)
      await addEvent(tx, work.workflow.id, name, 'cancelled', why)
      return 'cancelled'
    })
  }

  async #fail(
    undo: Definition['undo'],
    step: Step,
    work: Work,
    name: string,
    error: unknown,
  ): Promise<StepEnd> {
    const { id } = work.workflow
    const why = error instanceof RingfenceError ? error.message : 'something unexpected went wrong'
    const detail = error instanceof RingfenceError ? (error.detail ?? '') : messageOf(error)
    this.#services.log(`${id}: ${name} failed: ${why} ${detail}`.trim())
    const undone = undo === undefined ? undefined : await this.#undone(undo, work)
    return this.#ours(work.workflow, async (tx, tenant) => {
      if (undone !== undefined) {
        await undone(tx, tenant)
        await startOver(tx, id)
      } else {
        const patch = step.failed?.(tenant)
        if (patch !== undefined) {
          await work.changes.change(tx, tenant, patch, { ...work.cause, why })
        }
      }
      await endStep(tx, id, name, 'failed', why, null)
      await end(tx, id, 'failed', `${name}: ${why}`)
      await addEvent(tx, id, name, 'failed', why)
      return 'failed'
    })
  }

  /** What to write when all was taken back; undefined when that failed, or it is too late for it. */
  async #undone(undo: NonNullable<Definition['undo']>, work: Work): Promise<Apply | undefined> {
    try {
      return await this.#patiently(work, () => undo(work))
    } catch (error) {
      this.#services.log(`${work.workflow.id}: not taken back: ${messageOf(error)}`)
      return undefined
    }
  }

  async #patiently<T>(work: Work, run: () => Promise<T>): Promise<T> {
    return withRetries(this.#services.retry, run, (error) =>
      work.report(`${messageOf(error)}; trying again`),
    )
  }

  /** Writes, if the workflow is still this run's and this process's. */
  async #ours(
    expected: Pick<WorkflowRow, 'id' | 'tenant' | 'run'>,
    write: (tx: Tx, tenant: TenantRow, workflow: WorkflowRow) => Promise<StepEnd>,
  ): Promise<StepEnd> {
    return this.#services.database.transaction(async (tx) => {
      const ours = await lockOurs(tx, this.#executor, expected)
      return ours === undefined ? 'not ours' : write(tx, ours.tenant, ours.workflow)
    })
  }

  #work(entry: Entry, step: string): Work {
    const { workflow, tenant, outputs } = entry
    const { database, ports } = this.#services
    return {
      ...this.#services,
      workflow,
      tenant,
      outputs,
      cause: { by: workflow.by, why: workflow.kind, requestId: workflow.request_id },
      boundaries: async () => (tenant.cell === null ? [] : ports.cells.boundaries(tenant.cell)),
      report: (note) => addEvent(database, workflow.id, step, 'running', note),
      calledOff: async () => (await findWorkflow(database, workflow.id))?.cancel_by !== null,
    }
  }
}

async function end(
  tx: Tx,
  id: string,
  state: 'succeeded' | 'failed' | 'cancelled',
  error: string | null,
  result?: unknown,
): Promise<void> {
  await tx.query(
    `update registry.workflow set state = $2, error = $3, result = $4, executor = null,
            wake_at = null, ended_at = clock_timestamp() where id = $1`,
    [id, state, error, result === undefined ? null : JSON.stringify(result)],
  )
}

async function endStep(
  tx: Tx,
  id: string,
  name: string,
  state: 'pending' | 'done' | 'failed',
  note: string,
  output: unknown,
): Promise<void> {
  await tx.query(
    `update registry.workflow_step set state = $3, note = $4, output = $5,
            ended_at = clock_timestamp() where workflow = $1 and name = $2`,
    [id, name, state, note, output === null ? null : JSON.stringify(output)],
  )
}

/** All was taken back: if it goes on one day, it begins at its first step. */
async function startOver(tx: Tx, id: string): Promise<void> {
  await tx.query('update registry.workflow set committed = false where id = $1', [id])
  await tx.query(
    `update registry.workflow_step
        set state = 'pending', started_at = null, ended_at = null, note = null, output = null
      where workflow = $1 and state <> 'pending'`,
    [id],
  )
}
