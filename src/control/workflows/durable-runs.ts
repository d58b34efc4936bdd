import { DBOS } from '@dbos-inc/dbos-sdk'
import pg from 'pg'
import { RingfenceError } from '../../core/errors.ts'
import type { Database } from '../database.ts'
import { afterTheCall } from '../request-key.ts'
import { DURABLE_SCHEMA, SILENT } from './durable-schema.ts'
import type { WorkflowEngine } from './workflow-engine.ts'

/**
 * A fixed name, not the hash of the code that is the library's default: a run that an older release
 * began is finished by the newer one, which reads in the registry what is left to do.
 */
const APPLICATION_VERSION = 'lifecycle-1'
const APPLICATION = 'ringfence-control'
/** Sessions of the library: it holds one to listen. */
const CONNECTIONS = 10
/** A run is killed as often as it likes; it is not put aside for that. */
const RECOVERIES_MAX = 1_000_000
/** Milliseconds that a step may go on when the process stops; after that it is as if it were killed. */
const FINISH_MS = 5_000

/** The library knows one application a process, and finds its workflows by name at the start. */
let engine: WorkflowEngine | undefined

const lifecycle = DBOS.registerWorkflow(
  async (id: string, run: number): Promise<string> => {
    const steps = await DBOS.runStep(() => running().remaining(id), { name: 'remaining' })
    for (const name of steps) {
      const end = await DBOS.runStep(() => running().step(id, run, name), { name })
      if (end !== 'done') return end
    }
    return DBOS.runStep(() => running().succeed(id, run), { name: 'succeed' })
  },
  { name: 'lifecycle', maxRecoveryAttempts: RECOVERIES_MAX },
)

function running(): WorkflowEngine {
  if (engine === undefined) throw new RingfenceError('engine_unavailable', 'the process is ending')
  return engine
}

/** How a run of a workflow stands with the library. */
export type RunStatus = 'absent' | 'under way' | 'ended'

/** Runs of workflows that survive the process: each is finished by this one, or by another. */
export class DurableRuns {
  readonly #pool: pg.Pool

  private constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Starts the library and takes up what this executor left. One at a time in a process. */
  static async start(
    database: Database,
    executorId: string,
    steps: WorkflowEngine,
  ): Promise<DurableRuns> {
    if (engine !== undefined) {
      throw new RingfenceError('conflict', 'a process holds one control plane at a time')
    }
    const pool = new pg.Pool({
      ...database.settings,
      application_name: 'ringfence-workflows',
      max: CONNECTIONS,
    })
    pool.on('error', () => {})
    // Nor one that breaks in the moment in which it is handed over, when nobody listens to it yet.
    pool.on('connect', (client) => client.on('error', () => {}))
    engine = steps
    try {
      DBOS.setConfig({
        name: APPLICATION,
        systemDatabasePool: pool,
        systemDatabaseSchemaName: DURABLE_SCHEMA,
        runMigrations: false,
        executorID: executorId,
        applicationVersion: APPLICATION_VERSION,
        useListenNotify: true,
        logger: SILENT,
      })
      await DBOS.launch()
    } catch (error) {
      engine = undefined
      await DBOS.shutdown()
      await pool.end()
      throw error
    }
    return new DurableRuns(pool)
  }

  /** Starts a run, or finds it started. Resolves when it is recorded, not when it has ended. */
  async begin(id: string, run: number): Promise<void> {
    await afterTheCall(() =>
      DBOS.startWorkflow(lifecycle, { workflowID: nameOf(id, run) })(id, run),
    )
  }

  async status(id: string, run: number): Promise<RunStatus> {
    const found = await DBOS.getWorkflowStatus(nameOf(id, run))
    if (found === null) return 'absent'
    return found.status === 'PENDING' || found.status === 'ENQUEUED' || found.status === 'DELAYED'
      ? 'under way'
      : 'ended'
  }

  /** Hands the runs of dead executors to whoever is there. Returns how many. */
  async takeOver(dead: readonly string[]): Promise<number> {
    if (dead.length === 0) return 0
    const left = await DBOS.listWorkflows({
      status: 'PENDING',
      executorId: [...dead],
      loadInput: false,
      loadOutput: false,
    })
    const ids = left.map(({ workflowID }) => workflowID)
    if (ids.length > 0) await DBOS.resumeWorkflows(ids)
    return ids.length
  }

  get isRunning(): boolean {
    return DBOS.isInitialized()
  }

  async stop(): Promise<void> {
    await DBOS.shutdown({ workflowCompletionTimeoutMS: FINISH_MS })
    engine = undefined
    await this.#pool.end()
  }
}

function nameOf(id: string, run: number): string {
  return `${id}:${run}`
}
