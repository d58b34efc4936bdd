import { messageOf } from '../../core/errors.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import type { DurableRuns } from './durable-runs.ts'
import type { Executor } from './executor.ts'

/** Seconds after which a workflow that nobody touched is looked at. */
const STRANDED_AFTER_SECONDS = 3
/** Most that one round sets going. */
const ROUND_MAX = 100

interface Due {
  readonly id: string
  readonly run: number
}

/**
 * Sees to it that no workflow is forgotten: it beats for this process, sets going what waited until
 * now, gives the runs of dead processes to living ones, and starts runs that a kill left unstarted.
 * Every process does it; a row lock lets one at a time.
 */
export class Supervision {
  readonly #database: Database
  readonly #executor: Executor
  readonly #runs: DurableRuns
  readonly #everyMs: number
  readonly #log: (line: string) => void
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()
  #lastRound = 0
  #ended = false
  #ousted = false

  constructor(
    database: Database,
    executor: Executor,
    runs: DurableRuns,
    everyMs: number,
    log: (line: string) => void,
  ) {
    this.#database = database
    this.#executor = executor
    this.#runs = runs
    this.#everyMs = everyMs
    this.#log = log
  }

  start(): void {
    this.#schedule(0)
  }

  /** Looks now, because something was just made due. Resolves when it has looked. */
  async wake(): Promise<void> {
    this.#round = this.#round.then(() => this.#look())
    await this.#round
  }

  /** False when it has not come round for long, or a newer process has this one's name. */
  get isWell(): boolean {
    return !this.#ousted && Date.now() - this.#lastRound < this.#everyMs * 10 + 5_000
  }

  async stop(): Promise<void> {
    this.#ended = true
    clearTimeout(this.#timer)
    await this.#round
  }

  #schedule(inMs: number): void {
    this.#timer = setTimeout(() => {
      void this.wake().then(() => {
        if (!this.#ended) this.#schedule(this.#everyMs)
      })
    }, inMs)
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    if (this.#ended) return
    try {
      this.#ousted = !(await this.#executor.beat())
      if (this.#ousted) {
        this.#log(`another process has the name ${this.#executor.id}: this one does no more`)
        return
      }
      const due = await this.#database.transaction(async (tx) => {
        const [alone] = await tx.query(
          `select name from registry.setting where name = 'supervision' for update skip locked`,
        )
        if (alone === undefined) return []
        await expireApprovals(tx)
        await this.#runs.takeOver(await this.#executor.dead())
        return [...(await wakeWaiting(tx)), ...(await this.#stranded(tx))]
      })
      // After the commit: a run that starts must find its number.
      for (const { id, run } of due) await this.#runs.begin(id, run)
      this.#lastRound = Date.now()
    } catch (error) {
      if (!this.#ended) this.#log(`supervision: ${messageOf(error)}`)
    }
  }

  /** Workflows that the registry calls running while no run of them is. */
  async #stranded(tx: Tx): Promise<readonly Due[]> {
    const quiet = await tx.query<{ id: string; run: number }>(
      `select id, run from registry.workflow where state = 'running'
          and touched_at < clock_timestamp() - make_interval(secs => $1) limit $2`,
      [STRANDED_AFTER_SECONDS, ROUND_MAX],
    )
    const due: Due[] = []
    for (const { id, run } of quiet) {
      const status = await this.#runs.status(id, run)
      if (status === 'absent') due.push({ id, run })
      if (status === 'ended') due.push(...(await nextRun(tx, id, run)))
    }
    return due
  }
}

async function wakeWaiting(tx: Tx): Promise<readonly Due[]> {
  return tx.query<{ id: string; run: number }>(
    `update registry.workflow set state = 'running', run = run + 1, wake_at = null,
            touched_at = clock_timestamp()
      where id in (
        select id from registry.workflow where state = 'waiting' and wake_at <= clock_timestamp()
         order by wake_at limit $1 for update skip locked)
     returning id, run`,
    [ROUND_MAX],
  )
}

/** The run ended without ending the workflow, as after an error that was no failure of a step. */
async function nextRun(tx: Tx, id: string, run: number): Promise<readonly Due[]> {
  return tx.query<{ id: string; run: number }>(
    `update registry.workflow set run = run + 1, touched_at = clock_timestamp()
      where id = $1 and run = $2 and state = 'running' returning id, run`,
    [id, run],
  )
}

async function expireApprovals(tx: Tx): Promise<void> {
  await tx.query(
    `with expired as (
       update registry.approval set state = 'expired', decided_at = clock_timestamp()
        where state = 'pending' and expires_at <= clock_timestamp() returning workflow)
     update registry.workflow set wake_at = clock_timestamp()
      from expired where workflow.id = expired.workflow`,
  )
}
