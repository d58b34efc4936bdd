import type { LogName } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import { formatCheckpoint } from '../../transparency/checkpoint.ts'
import { CompactRange } from '../../transparency/compact-range.ts'
import { sameHash } from '../../transparency/merkle-hash.ts'
import { rootOf } from '../../transparency/prove.ts'
import { signNote } from '../../transparency/signed-note.ts'
import type { Anchoring } from './anchoring.ts'
import { logNodes } from './log-nodes.ts'
import { type LogParts, originOf } from './log-parts.ts'
import { signersOf } from './signing-keys.ts'

interface HeadRow {
  readonly size: string
  readonly peaks: Buffer
}

/**
 * Signs what is committed, and only that: a log's size and root are read together, and a checkpoint is
 * given out after it is stored. Of two signers at one size both sign the same root, and one is stored.
 */
export class CheckpointSigner {
  readonly #parts: LogParts
  readonly anchoring: Anchoring
  /** Logs that go on from what their anchors have, as was seen. */
  readonly #continued = new Set<LogName>()

  constructor(parts: LogParts, anchoring: Anchoring) {
    this.#parts = parts
    this.anchoring = anchoring
  }

  /** The logs that have more entries than their last checkpoint. */
  async unsigned(): Promise<readonly LogName[]> {
    const rows = await this.#parts.database.query<{ readonly log: LogName }>(
      `select log from records.log_head h where size > coalesce(
         (select max(size) from records.log_checkpoint c where c.log = h.log), 0)`,
    )
    return rows.map(({ log }) => log)
  }

  /**
   * Signs a log's present size, if no checkpoint of it is signed.
   * @throws RingfenceError `conflict` when the log does not go on from what it has signed: it is not
   *   signed again before people have looked
   */
  async sign(log: LogName): Promise<void> {
    const note = await this.#parts.database.transaction(async ({ client }) => {
      const { rows } = await client.query<HeadRow>(
        'select size, peaks from records.log_head where log = $1',
        [log],
      )
      const head = rows[0]
      if (head === undefined) return undefined
      const size = Number(head.size)
      const last = await client.query<{ readonly size: string }>(
        `select size from records.log_checkpoint where log = $1 order by size desc limit 1`,
        [log],
      )
      const signed = Number(last.rows[0]?.size ?? 0)
      if (signed > size) throw forked(log, `it has ${size} entries and ${signed} are signed`)
      if (signed === size) return undefined
      await this.#checkAnchors(log, size)
      const origin = originOf(this.#parts, log)
      const root = CompactRange.from(size, head.peaks).root()
      const signers = await signersOf(client, this.#parts, log)
      const note = signNote(formatCheckpoint({ origin, size, root }), signers)
      const now = new Date(this.#parts.now())
      const { rowCount } = await client.query(
        `insert into records.log_checkpoint (log, size, note, signed_at) values ($1, $2, $3, $4)
         on conflict (log, size) do nothing`,
        [log, size, note, now],
      )
      // Of an hour's checkpoints the last is kept, and those that somebody has cosigned.
      await client.query(
        `delete from records.log_checkpoint c where log = $1 and size < $2
           and date_trunc('hour', signed_at) = date_trunc('hour', $3::timestamptz)
           and not exists (select from records.log_cosignature s
             where s.log = c.log and s.size = c.size)`,
        [log, size, now],
      )
      return rowCount === 1 ? note : undefined
    })
    if (note !== undefined) this.anchoring.signed(log, note)
  }

  /** A database that was put back to an older state has lost what was signed: that is not signed over. */
  async #checkAnchors(log: LogName, size: number): Promise<void> {
    if (this.#continued.has(log)) return
    for (const anchor of this.anchoring.anchors) {
      const kept = await this.anchoring.lastKept(anchor, log)
      if (kept === undefined || kept.size === 0) continue
      if (kept.size > size) {
        throw forked(
          log,
          `it has ${size} entries, and ${anchor.name} has a checkpoint of ${kept.size}`,
        )
      }
      const nodes = logNodes(this.#parts.database, log, size)
      const root = await rootOf(nodes, kept.size).catch((error: unknown) => {
        if (!(error instanceof RingfenceError) || error.code !== 'not_found') throw error
        throw forked(
          log,
          `of its first ${kept.size} entries, which ${anchor.name} has, some are gone`,
        )
      })
      if (!sameHash(root, kept.root)) {
        throw forked(
          log,
          `its first ${kept.size} entries are others than those that ${anchor.name} has`,
        )
      }
    }
    this.#continued.add(log)
  }
}

const forked = (log: LogName, why: string) =>
  new RingfenceError('conflict', `the log ${log} does not go on from what it has signed: ${why}`)
