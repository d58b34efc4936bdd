import type { LogName } from '../../audit/entry.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { type Checkpoint, parseCheckpoint } from '../../transparency/checkpoint.ts'
import { parseNote } from '../../transparency/signed-note.ts'
import type { CheckpointAnchor } from './checkpoint-anchor.ts'
import { type LogParts, originOf } from './log-parts.ts'

/** Brings checkpoints to the anchors, each log's newest, not more often than the interval. */
export class Anchoring {
  readonly anchors: readonly CheckpointAnchor[]
  readonly #parts: LogParts
  readonly #everyMs: number
  readonly #waiting = new Map<LogName, string>()
  readonly #kept = new Map<LogName, number>()

  constructor(parts: LogParts, anchors: readonly CheckpointAnchor[], everyMs: number) {
    this.#parts = parts
    this.anchors = anchors
    this.#everyMs = everyMs
  }

  signed(log: LogName, note: string): void {
    if (this.anchors.length > 0) this.#waiting.set(log, note)
  }

  /** Logs whose newest checkpoint is not at the anchors yet. */
  get behind(): readonly LogName[] {
    return [...this.#waiting.keys()]
  }

  /**
   * @param all also what was brought there a short time ago
   * @throws RingfenceError `not_writable` after all that can be kept is; the rest is tried again
   */
  async bring(all = false): Promise<void> {
    let trouble: unknown
    for (const [log, note] of this.#waiting) {
      const now = this.#parts.now()
      const since = now - (this.#kept.get(log) ?? -Infinity)
      if (!all && since >= 0 && since < this.#everyMs) continue
      try {
        for (const anchor of this.anchors) await anchor.keep(originOf(this.#parts, log), note)
        this.#kept.set(log, now)
        if (this.#waiting.get(log) === note) this.#waiting.delete(log)
      } catch (error) {
        trouble ??= error
      }
    }
    if (trouble === undefined) return
    throw new RingfenceError('not_writable', `an anchor: ${messageOf(trouble)}`, { cause: trouble })
  }

  /** Finds what a killed process has signed and not brought to the anchors. */
  async catchUp(): Promise<void> {
    if (this.anchors.length === 0) return
    const rows = await this.#parts.database.query<{
      readonly log: LogName
      readonly size: string
      readonly note: string
    }>(
      `select distinct on (log) log, size, note from records.log_checkpoint
       order by log, size desc`,
    )
    for (const { log, size, note } of rows) {
      for (const anchor of this.anchors) {
        const kept = await this.lastKept(anchor, log)
        if ((kept?.size ?? 0) < Number(size)) this.#waiting.set(log, note)
      }
    }
  }

  /** @throws RingfenceError `conflict` when what an anchor has is no checkpoint */
  async lastKept(anchor: CheckpointAnchor, log: LogName): Promise<Checkpoint | undefined> {
    const note = await anchor.last(originOf(this.#parts, log))
    if (note === undefined) return undefined
    try {
      return parseCheckpoint(parseNote(note).text)
    } catch (error) {
      const why = messageOf(error)
      throw new RingfenceError('conflict', `${anchor.name} has no checkpoint of ${log}: ${why}`)
    }
  }
}
