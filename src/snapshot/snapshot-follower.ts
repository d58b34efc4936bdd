import { mkdir } from 'node:fs/promises'
import type pg from 'pg'
import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { FeedLoop } from '../feed/feed-loop.ts'
import { Listeners } from '../feed/listeners.ts'
import { Troubles } from '../feed/troubles.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'
import { KeySet } from '../tokens/verify-token.ts'
import { FollowerStore } from './follower-store.ts'
import { FUTURE_MS_MAX } from './state.ts'
import type { Configuration, ConfigurationSource } from './snapshot.ts'
import type { RecordStore } from './record-store.ts'
import { SnapshotDatabase } from './snapshot-database.ts'

const STALE_AFTER_SECONDS = 86_400
/** A safety net below notifications, and how confirmations are read. */
const POLL_MS = 5_000
const RETRY_MS = { min: 100, max: 5_000 }

/** Opens a store of records, and has `onNews` called when there is a new version in it. */
export type OpenRecordStore = (onNews: () => void) => Promise<RecordStore>

export interface FollowerOptions {
  /** This process's own. Made when it is not there. */
  readonly directory: string
  /** Whose records are believed. */
  readonly keys: readonly PublicJwk[]
  /**
   * The control database, as a role that may read schema `snapshot`. Only a proof gives something
   * else: a way to open a store of records that it controls.
   */
  readonly database: pg.ClientConfig | OpenRecordStore
  /** Seconds after the control plane's last word at which nobody is served. Default one day. */
  readonly staleAfterSeconds?: number
  /** Told once when the database goes away and when a record is refused. Nothing secret is in it. */
  readonly onTrouble?: (error: RingfenceError) => void
  /** Milliseconds between looks at the database without being told of news. Default 5 000. */
  readonly pollMs?: number
  /** Changes after which the file on disk is written anew from a base. Default 1 000. */
  readonly rewriteAfter?: number
}

type Listener = (changed: readonly TenantId[], now: Configuration) => void

/**
 * The configuration in force, from this process's disk at first and from the control database as it
 * changes. It works without the database for as long as the control plane's last word is not stale.
 */
export class SnapshotFollower implements ConfigurationSource {
  readonly #options: FollowerOptions
  readonly #store: FollowerStore
  readonly #listeners = new Listeners<Parameters<Listener>>((error) => this.#report(error))
  readonly #troubles: Troubles<'following'>
  readonly #loop: FeedLoop<RecordStore>

  private constructor(options: FollowerOptions, store: FollowerStore) {
    this.#options = options
    this.#store = store
    this.#troubles = new Troubles(options.onTrouble)
    this.#loop = new FeedLoop<RecordStore>({
      open: openerOf(options),
      read: (database) => this.#catchUp(database),
      settle: () => store.settle(),
      onTrouble: (error) => this.#report(error),
      pollMs: options.pollMs ?? POLL_MS,
      retryMs: RETRY_MS,
    })
  }

  /**
   * Reads what is on disk and begins to follow. Does not wait for the database.
   * @throws RingfenceError `snapshot_refused` when what protects from rollback is damaged,
   *   `invalid_argument` for keys that are none
   */
  static async open(options: FollowerOptions): Promise<SnapshotFollower> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    const store = await FollowerStore.open(
      options.directory,
      new KeySet(options.keys),
      options.rewriteAfter,
    )
    const follower = new SnapshotFollower(options, store)
    if (store.refusal !== undefined) follower.#report(store.refusal)
    store.onChange = (changed, now) => follower.#listeners.tell(changed, now)
    store.onTrouble = (error) => follower.#report(error)
    follower.#loop.start()
    return follower
  }

  current(): Configuration {
    const now = this.#store.inForce
    const limit = (this.#options.staleAfterSeconds ?? STALE_AFTER_SECONDS) * 1000
    const age = Date.now() - (now?.confirmedAt.getTime() ?? 0)
    // From the future it is by a clock that was set back, to which tokens that have ended are valid again.
    if (now === undefined || age > limit || age < -FUTURE_MS_MAX) {
      throw new RingfenceError('snapshot_stale', 'there is no configuration that is recent enough')
    }
    return now
  }

  onChange(listener: Listener): void {
    this.#listeners.add(listener)
  }

  /** Resolves when there is a configuration to serve from. Rejects when `signal` aborts. */
  async ready(signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted()
      try {
        this.current()
        return
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  async close(): Promise<void> {
    await this.#loop.close()
    await this.#store.close()
  }

  /** What is refused stays refused, and may be mended later: the connection is good. */
  async #catchUp(database: RecordStore): Promise<boolean> {
    try {
      await this.#store.catchUp(database)
      this.#troubles.over('following')
      return true
    } catch (error) {
      if (!(error instanceof RingfenceError)) throw error
      this.#report(error)
      return false
    }
  }

  #report(error: unknown): void {
    this.#troubles.report('following', error)
  }
}

function openerOf({ database }: FollowerOptions): OpenRecordStore {
  if (typeof database === 'function') return database
  return (onNews) => SnapshotDatabase.open(database, onNews)
}
