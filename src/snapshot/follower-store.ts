import type { TenantId } from '../core/tenant.ts'
import type { KeySet } from '../tokens/verify-token.ts'
import { fileTrouble } from './file-trouble.ts'
import { RecordReader } from './record-reader.ts'
import type { RecordStore } from './record-store.ts'
import { hashOf, openConfirmation, openRecord, refused } from './seal.ts'
import type { Configuration } from './snapshot.ts'
import { SnapshotFile, type StoredBase } from './snapshot-file.ts'
import { readStanding, type Standing, writeStanding } from './standing.ts'
import { FUTURE_MS_MAX, SnapshotState } from './state.ts'

/** Confirmations come every few seconds; a restart needs no newer one than this. */
const STANDING_MS = 30_000
/** The file is written anew when changes are many, or outweigh what it begins with. */
const REWRITE_AFTER_CHANGES = 1_000
const CHANGES_BYTES_MAX = 4 * 1024 * 1024

interface Unsaved {
  readonly version: number
  readonly hash: string
  readonly text: string
}

/** What a follower knows, in memory and on disk, and how it grows from what a database offers. */
export class FollowerStore {
  /** Called after each new version. */
  onChange: (changed: readonly TenantId[], now: Configuration) => void = () => undefined
  /** Told of what goes wrong beside the loop: the file is not written anew then. */
  onTrouble: (error: unknown) => void = () => undefined
  /** What was wrong with the file on disk, which was put aside. */
  readonly refusal: unknown
  readonly #directory: string
  readonly #keys: KeySet
  readonly #rewriteAfter: number
  readonly #file: SnapshotFile
  #state: SnapshotState | undefined
  #view: Configuration | undefined
  #standing: Standing
  #standingAt = 0
  #unsaved: Unsaved[] = []
  #rewriting: Promise<void> | undefined
  /** The file changes hands between appending and rewriting here. */
  #disk: Promise<unknown> = Promise.resolve()

  private constructor(
    directory: string,
    keys: KeySet,
    rewriteAfter: number,
    standing: Standing,
    loaded: Awaited<ReturnType<typeof SnapshotFile.open>>,
  ) {
    this.#directory = directory
    this.#keys = keys
    this.#rewriteAfter = rewriteAfter
    this.#standing = standing
    this.#file = loaded.file
    this.#state = loaded.state
    this.refusal = loaded.refusal
    this.#look()
  }

  /** @param rewriteAfter changes after which the file is written anew from a base */
  static async open(
    directory: string,
    keys: KeySet,
    rewriteAfter: number = REWRITE_AFTER_CHANGES,
  ): Promise<FollowerStore> {
    const standing = await readStanding(directory)
    const loaded = await SnapshotFile.open(directory, keys)
    const store = new FollowerStore(directory, keys, rewriteAfter, standing, loaded)
    await store.#recall(standing.confirmation)
    return store
  }

  /** A confirmation that cannot be read any more leaves the configuration older than it was. */
  async #recall(confirmation: string | undefined): Promise<void> {
    if (this.#state === undefined || confirmation === undefined) return
    const word = await openConfirmation(confirmation, this.#keys).catch(() => undefined)
    if (word?.version === this.#state.version && word.hash === this.#state.hash) {
      this.#state.recall(new Date(word.at))
    }
  }

  /** Undefined when there is none, and when what there is is older than what was in force before. */
  get inForce(): Configuration | undefined {
    return this.#view
  }

  #look(): void {
    const state = this.#state
    const { version, hash } = this.#standing
    const known = state !== undefined && state.version >= version
    this.#view =
      known && (state.version > version || state.hash === hash) ? state.view() : undefined
  }

  /**
   * Takes over what the database has and this process has not.
   * @throws RingfenceError `snapshot_refused`; what was in force stays so. `disk_full`, `not_writable`
   *   after all of it is in force. Errors of the client
   */
  async catchUp(database: RecordStore): Promise<void> {
    const head = await database.head()
    if (head.version < Math.max(this.#state?.version ?? 0, this.#standing.version)) {
      throw refused('the database is older than what was in force here')
    }
    while ((this.#state?.version ?? 0) < head.version) {
      await this.#advance(database)
    }
    const trouble = await this.#save().then(
      () => undefined,
      (error: unknown) => error,
    )
    if (head.confirmation !== undefined) await this.#confirm(head.confirmation)
    if (trouble !== undefined) throw trouble
    this.#considerRewriting(database)
  }

  async #advance(database: RecordStore): Promise<void> {
    const version = this.#state?.version ?? 0
    const base = this.#state === undefined ? await database.baseAfter(0) : undefined
    if (base !== undefined) return this.#adopt(base)
    const changes = await database.changesAfter(version)
    if (changes[0]?.version === version + 1) {
      for (const { text } of changes) await this.#take(text)
      return
    }
    const later = await database.baseAfter(version)
    if (later === undefined) throw refused(`version ${version + 1} is missing`)
    await this.#adopt(later)
  }

  async #take(text: string): Promise<void> {
    const record = await openRecord(text, this.#keys)
    const hash = hashOf(text)
    this.#refuseFork(record.version, hash)
    const changed = this.#state?.apply(record, hash) ?? record.tenants.map(({ id }) => id)
    this.#state ??= SnapshotState.first(record, hash)
    this.#unsaved.push({ version: record.version, hash, text })
    this.#announce(changed)
  }

  /** Starts anew from a base, when the changes between are not to be had or not worth reading. */
  async #adopt(base: StoredBase): Promise<void> {
    await this.settle()
    const reader = new RecordReader(this.#keys)
    await reader.take(base.text)
    const fresh = reader.state
    if (fresh === undefined || fresh.version <= (this.#state?.version ?? 0)) {
      throw refused('a base that is not newer')
    }
    this.#refuseFork(fresh.version, fresh.hash)
    const parts = async function* () {
      for await (const part of base.parts()) {
        if (reader.complete) throw refused('the base has too many parts')
        await reader.take(part)
        yield part
      }
      if (!reader.complete) throw refused('the base has too few parts')
    }
    await this.#onDisk(async () => {
      const prepared = await this.#file.prepareBase({ text: base.text, parts })
      await prepared.finish(fresh.version, fresh.hash, false)
    })
    this.#unsaved = []
    const changed = new Set<TenantId>()
    for (const id of this.#state?.ids() ?? []) changed.add(id)
    for (const id of fresh.ids()) changed.add(id)
    this.#state = fresh
    this.#announce([...changed])
    await this.#stand()
  }

  /** Another record than the one that was in force here under the same number. */
  #refuseFork(version: number, hash: string): void {
    if (version === this.#standing.version && hash !== this.#standing.hash) {
      throw refused(`version ${version} is another than the one that was in force here`)
    }
  }

  #announce(changed: readonly TenantId[]): void {
    this.#look()
    if (this.#view !== undefined) this.onChange(changed, this.#view)
  }

  /** In force first, on disk then: a full disk must not keep a suspended tenant served. */
  async #save(): Promise<void> {
    const saving = this.#unsaved
    if (saving.length === 0) return
    await this.#onDisk(() => this.#file.append(saving))
    this.#unsaved = this.#unsaved.slice(saving.length)
    await this.#stand()
  }

  async #stand(confirmation = this.#standing.confirmation): Promise<void> {
    const state = this.#state
    if (state === undefined || state.version < this.#standing.version) return
    const { version, hash } = state
    const standing = { version, hash, ...(confirmation === undefined ? {} : { confirmation }) }
    await this.#onDisk(() => writeStanding(this.#directory, standing))
    this.#standing = standing
    this.#standingAt = Date.now()
  }

  async #confirm(text: string): Promise<void> {
    const state = this.#state
    if (state === undefined || text === this.#standing.confirmation) return
    const { version, hash, at } = await openConfirmation(text, this.#keys)
    if (version < state.version) return
    if (version > state.version) throw refused('the database holds changes back')
    if (hash !== state.hash) throw refused('another history than this one was confirmed')
    const time = new Date(at)
    if (time.getTime() > Date.now() + FUTURE_MS_MAX) throw refused('it is confirmed in the future')
    state.confirm(time)
    if (Date.now() - this.#standingAt > STANDING_MS) await this.#stand(text)
  }

  /** Beside the loop: a large base must not keep a change waiting. */
  #considerRewriting(database: RecordStore): void {
    const { changes, bytes, startBytes } = this.#file.growth
    const much = bytes > Math.max(CHANGES_BYTES_MAX, startBytes)
    if (this.#rewriting !== undefined || (changes < this.#rewriteAfter && !much)) return
    this.#rewriting = this.#rewrite(database)
      // The file that is there stays good; the next look at the database tries again.
      .catch((error: unknown) => this.onTrouble(error))
      .finally(() => {
        this.#rewriting = undefined
      })
  }

  async #rewrite(database: RecordStore): Promise<void> {
    const base = await database.baseAfter(this.#file.first)
    if (base === undefined) return
    const { kind, version, previous, parts } = await openRecord(base.text, this.#keys)
    if (kind !== 'base' || this.#file.hashAt(version) !== previous) {
      throw refused('a base of another history')
    }
    const checked = async function* () {
      let number = 0
      for await (const part of base.parts()) {
        if (hashOf(part) !== parts[number]) throw refused('a part is not the one of its base')
        number += 1
        yield part
      }
      if (number !== parts.length) throw refused('the base has too few parts')
    }
    const prepared = await this.#file.prepareBase({ text: base.text, parts: checked })
    await this.#onDisk(() => prepared.finish(version, previous, true))
  }

  /** Waits for what goes on beside the loop. */
  async settle(): Promise<void> {
    await this.#rewriting
  }

  async close(): Promise<void> {
    await this.settle()
    await this.#onDisk(() => this.#file.close())
  }

  #onDisk<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#disk.then(work).catch((error: unknown) => {
      throw fileTrouble(error, this.#directory)
    })
    this.#disk = next.catch(() => undefined)
    return next
  }
}
