import { randomUUID } from 'node:crypto'
import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import type { WorkflowRow } from './workflow-row.ts'

/**
 * This process among those that run workflows. It beats in the registry; who has not for a while is
 * taken for dead, and its workflows are finished by others. Of two processes under one name the newer
 * one works, and the older one finds out at its next beat or step.
 */
export class Executor {
  readonly id: string
  readonly #incarnation = randomUUID()
  readonly #database: Database
  readonly #deadAfterMs: number

  constructor(database: Database, id: string, deadAfterMs: number) {
    this.#database = database
    this.id = id
    this.#deadAfterMs = deadAfterMs
  }

  /** Takes the name over. */
  async arrive(): Promise<void> {
    await this.#database.query(
      `insert into registry.executor (id, incarnation, beat_at) values ($1, $2, clock_timestamp())
       on conflict (id) do update set incarnation = excluded.incarnation, beat_at = excluded.beat_at`,
      [this.id, this.#incarnation],
    )
  }

  /** False when a newer process has the name. */
  async beat(): Promise<boolean> {
    const rows = await this.#database.query(
      `insert into registry.executor as known (id, incarnation, beat_at)
       values ($1, $2, clock_timestamp())
       on conflict (id) do update set beat_at = excluded.beat_at
         where known.incarnation = excluded.incarnation
       returning 1 as one`,
      [this.id, this.#incarnation],
    )
    return rows.length > 0
  }

  /** What it leaves undone is taken up by others at once, or by itself when it comes again. */
  async leave(): Promise<void> {
    await this.#database.query(
      `update registry.executor set beat_at = '-infinity' where id = $1 and incarnation = $2`,
      [this.id, this.#incarnation],
    )
  }

  /** Ours, or nobody's who lives. */
  async mayWorkOn(tx: Tx, workflow: WorkflowRow): Promise<boolean> {
    const rows = await tx.query<{ id: string; incarnation: string; alive: boolean }>(
      `select id, incarnation, beat_at > clock_timestamp() - make_interval(secs => $3) as alive
         from registry.executor where id in ($1, $2)`,
      [this.id, workflow.executor, this.#deadAfterMs / 1000],
    )
    const own = rows.find(({ id }) => id === this.id)
    if (own?.incarnation !== this.#incarnation) return false
    if (workflow.executor === null || workflow.executor === this.id) return true
    return rows.find(({ id }) => id === workflow.executor)?.alive !== true
  }

  /** Names that have not beaten for a while. */
  async dead(): Promise<readonly string[]> {
    const rows = await this.#database.query<{ id: string }>(
      `select id from registry.executor
        where beat_at < clock_timestamp() - make_interval(secs => $1) and id <> $2`,
      [this.#deadAfterMs / 1000, this.id],
    )
    return rows.map(({ id }) => id)
  }
}
