import { type AuditEntry, auditEntrySchema, type LogName } from '../../audit/entry.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { AppendQueue } from './append-queue.ts'
import { CheckpointSigner } from './checkpoint-signer.ts'
import { DataKeys, unwrapped } from './data-keys.ts'
import { enterEntries } from './enter-entries.ts'
import { dataKeyOf, openEntry } from './envelope.ts'
import { readTile } from './log-nodes.ts'
import type { LogParts } from './log-parts.ts'
import type { EnteredEntry, LogStore } from './log-store.ts'
import { keysOf, type LogKey } from './signing-keys.ts'

/** Entries that one reading gives at most. */
const READ_MAX = 1_000

type Grown = (log: LogName, size: number) => void

/** The logs of one region, in its PostgreSQL. `openLogStore` makes one. */
export class PostgresLogStore implements LogStore {
  readonly parts: LogParts
  readonly dataKeys: DataKeys
  readonly #signer: CheckpointSigner
  readonly #queue: AppendQueue
  readonly #listeners = new Set<Grown>()
  /** Logs that have grown since they were last signed, as far as this process knows. */
  readonly #grown = new Set<LogName>()
  #signing: Promise<void> | undefined
  #isClosing = false

  constructor(parts: LogParts, signer: CheckpointSigner) {
    this.parts = parts
    this.dataKeys = new DataKeys(parts)
    this.#signer = signer
    this.#queue = new AppendQueue((entries) => this.#write(entries))
  }

  /** @throws RingfenceError also `invalid_argument` for what is no entry: then none is entered */
  append(entries: readonly AuditEntry[]): Promise<void> {
    const parsed = auditEntrySchema.array().safeParse(entries)
    if (parsed.success) return this.#queue.add(parsed.data)
    const issue = parsed.error.issues[0]
    const where = issue?.path.join('.') ?? ''
    return Promise.reject(
      new RingfenceError('invalid_argument', `an entry's ${where}: ${issue?.message ?? ''}`),
    )
  }

  async checkpoint(log: LogName, cosignatures = 0): Promise<string | undefined> {
    const [newest] = await this.parts.database.query<{
      readonly note: string
      readonly lines: readonly string[]
    }>(
      `select note, array(select line from records.log_cosignature s
           where s.log = c.log and s.size = c.size order by cosigned_at, witness) as lines
       from records.log_checkpoint c
       where log = $1 and (select count(*) from records.log_cosignature s
           where s.log = c.log and s.size = c.size) >= $2
       order by size desc limit 1`,
      [log, cosignatures],
    )
    return newest && newest.note + newest.lines.map((line) => `${line}\n`).join('')
  }

  async tile(log: LogName, path: string): Promise<Uint8Array | undefined> {
    if (path !== 'keys') return readTile(this.parts.database, log, path)
    const keys = await this.keys(log)
    if (keys.length === 0) return undefined
    const notes = keys.flatMap(({ announcement }) => announcement ?? [])
    return Buffer.from(`${JSON.stringify(notes)}\n`)
  }

  /** All that is served below a log's prefix: `checkpoint`, `keys`, tiles. */
  async resource(log: LogName, path: string): Promise<Uint8Array | undefined> {
    if (path !== 'checkpoint') return this.tile(log, path)
    const note = await this.checkpoint(log)
    return note === undefined ? undefined : Buffer.from(note)
  }

  /** The keys that a log ever signed with, the first first. */
  keys(log: LogName): Promise<readonly LogKey[]> {
    return keysOf(this.parts, log)
  }

  /** All logs that there are, and how many entries each has. */
  async logs(): Promise<readonly { readonly log: LogName; readonly size: number }[]> {
    const rows = await this.parts.database.query<{ readonly log: LogName; readonly size: string }>(
      'select log, size from records.log_head order by log',
    )
    return rows.map(({ log, size }) => ({ log, size: Number(size) }))
  }

  async read(log: LogName, from: number, most: number): Promise<readonly EnteredEntry[]> {
    const { database } = this.parts
    const rows = await database.query<{
      readonly place: string
      readonly hash: Buffer
      readonly bytes: Buffer
    }>(
      `select place, hash, bytes from records.log_entry
       where log = $1 and place >= $2 order by place limit $3`,
      [log, from, Math.max(0, Math.min(most, READ_MAX))],
    )
    const names = new Set(rows.flatMap(({ bytes }) => dataKeyOf(bytes) ?? []))
    const keys = await database.transaction(({ client }) =>
      unwrapped(client, this.parts, log, [...names]),
    )
    return rows.map(({ place, hash, bytes }) => ({
      index: Number(place),
      entry: openEntry(log, bytes, keys.get(dataKeyOf(bytes) ?? '')),
      leafHash: hash,
    }))
  }

  /** Tells of each log that this process has made grow, after it is durable. @returns ends it */
  onGrowth(listener: Grown): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Signs what has grown. One run at a time; whoever asks while one runs gets the next.
   * @param all also what others have entered, and what a killed process has left
   * @throws RingfenceError the first trouble, after all other logs are signed
   */
  async sign(all = false): Promise<void> {
    while (this.#signing !== undefined) await this.#signing.catch(() => {})
    this.#signing = this.#signAll(all).finally(() => {
      this.#signing = undefined
    })
    return this.#signing
  }

  /** Logs whose newest checkpoint has not come to the anchors yet. */
  get notAnchored(): readonly LogName[] {
    return this.#signer.anchoring.behind
  }

  /** Tells that a log has grown in a transaction of somebody else. */
  grew(sizes: ReadonlyMap<LogName, number>): void {
    for (const [log, size] of sizes) {
      this.#grown.add(log)
      for (const listener of this.#listeners) listener(log, size)
    }
  }

  /** Ends what waits, signs it, and closes the database. */
  async close(): Promise<void> {
    await this.#queue.close()
    this.#isClosing = true
    await this.sign().catch(() => {})
    await this.parts.database.close()
  }

  async #write(entries: readonly AuditEntry[]): Promise<void> {
    const grown = await this.parts.database.transaction(({ client }) =>
      enterEntries(client, this.parts, this.dataKeys, entries),
    )
    this.grew(grown)
  }

  async #signAll(all: boolean): Promise<void> {
    const logs = new Set(this.#grown)
    if (all) for (const log of await this.#signer.unsigned()) logs.add(log)
    this.#grown.clear()
    let trouble: unknown
    for (const log of logs) {
      try {
        await this.#signer.sign(log)
      } catch (error) {
        trouble ??= error
        this.#grown.add(log)
      }
    }
    await this.#signer.anchoring.bring(this.#isClosing).catch((error: unknown) => {
      trouble ??= error
    })
    if (trouble === undefined) return
    if (trouble instanceof Error) throw trouble
    throw new RingfenceError('internal', messageOf(trouble))
  }
}
