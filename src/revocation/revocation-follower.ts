import { mkdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { RingfenceError } from '../core/errors.ts'
import { FeedLoop } from '../feed/feed-loop.ts'
import { Listeners } from '../feed/listeners.ts'
import { Troubles } from '../feed/troubles.ts'
import type { Bell, OpenBell } from './bell.ts'
import type { Entry } from './entry.ts'
import { Freshness } from './freshness.ts'
import { PostgresFeed } from './postgres-feed.ts'
import type { Revocable, Revocation, RevocationSource } from './revocation.ts'
import type { OpenRevocationFeed, RevocationFeed } from './revocation-feed.ts'
import { RevocationFile } from './revocation-file.ts'
import { RevocationIndex } from './revocation-index.ts'
import { Spaced } from './spaced.ts'

/** The life of an access token: `docs/revocation.md` says why. */
export const REVOCATIONS_LIMIT_SECONDS = 300
/** Between reads without being told of news: each proves that nothing was missed. */
const POLL_MS = 1_000
/** Between any two reads. */
const PAUSE_MS = 2
/** Between reads that the bell asks for: whoever rings without end asks nearly nothing of the database. */
const BELL_MS = 25
const RETRY_MS = { min: 50, max: 1_000 }
/** News go to the disk within the first, the proof that there are none within the second. */
const SAVE_NEWS_MS = 1_000
const SAVE_PROOF_MS = 10_000
const FORGET_MS = 10_000

export interface RevocationFollowerOptions {
  /** This process's own. Made when it is not there. */
  readonly directory: string
  /** The control database, as a role that may follow; or another way to open a feed. */
  readonly database: pg.ClientConfig | OpenRevocationFeed
  /** Seconds without proof that nothing was missed, after which nobody is served. Default 300. */
  readonly limitSeconds?: number
  /** Told once when the database goes away, or the disk. Nothing secret is in it. */
  readonly onTrouble?: (error: RingfenceError) => void
  /** Milliseconds between reads without being told of news. Default 1 000. */
  readonly pollMs?: number
  /** Another way to be told that there is something to read. */
  readonly bell?: OpenBell
  /** Whether to ring the bell for others when there was something. Default false. */
  readonly rings?: boolean
}

/**
 * What was revoked, from this process's disk at first and from the control database as it comes. It
 * works without the database for as long as what it knows is not older than the limit.
 */
export class RevocationFollower implements RevocationSource {
  readonly #options: RevocationFollowerOptions
  readonly #index = new RevocationIndex()
  readonly #freshness = new Freshness()
  readonly #file: RevocationFile
  readonly #listeners: Listeners<[news: readonly Revocation[]]>
  readonly #troubles: Troubles<'database' | 'disk' | 'bell'>
  readonly #loop: FeedLoop<RevocationFeed>
  #bell: Bell | undefined
  readonly #heard = new Spaced(() => this.look(), BELL_MS)
  #saving: Promise<void> | undefined
  #unsaved = false
  #savedAt = 0
  #forgotAt = 0

  private constructor(options: RevocationFollowerOptions) {
    this.#options = options
    this.#file = new RevocationFile(options.directory)
    this.#listeners = new Listeners((error) => options.onTrouble?.(error))
    this.#troubles = new Troubles(options.onTrouble)
    this.#loop = new FeedLoop<RevocationFeed>({
      open: openerOf(options),
      read: (feed) => this.#read(feed),
      onTrouble: (error) => this.#troubles.report('database', error),
      pollMs: options.pollMs ?? POLL_MS,
      pauseMs: PAUSE_MS,
      retryMs: RETRY_MS,
    })
  }

  /** Reads what is on disk and begins to follow. Does not wait for the database. */
  static async open(options: RevocationFollowerOptions): Promise<RevocationFollower> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    const follower = new RevocationFollower(options)
    try {
      const remembered = await follower.#file.read()
      for (const entry of remembered?.entries ?? []) follower.#index.add(entry)
      if (remembered !== undefined) follower.#freshness.recalled(remembered.freshAtMs)
    } catch (error) {
      // Then it knows nothing, and serves nobody, until the database has told it.
      follower.#troubles.report('disk', error)
    }
    follower.#bell = options.bell?.(
      () => {
        follower.#troubles.over('bell')
        follower.#heard.call()
      },
      (error) => follower.#troubles.report('bell', error),
    )
    follower.#loop.start()
    return follower
  }

  get known(): boolean {
    const limit = this.#options.limitSeconds ?? REVOCATIONS_LIMIT_SECONDS
    return this.#freshness.ageMs <= limit * 1000
  }

  revokes(token: Revocable): boolean {
    if (!this.known) {
      throw new RingfenceError('revocations_unknown', 'it cannot be told now what was revoked')
    }
    return this.find(token) !== undefined
  }

  find(token: Revocable): Revocation['kind'] | undefined {
    return this.#index.find(token)
  }

  onNews(listener: (news: readonly Revocation[]) => void): void {
    this.#listeners.add(listener)
  }

  /**
   * Reads at once, and rings if it is one that rings: for whoever has just published something. Without
   * a database there is nothing to be hurried: all is read when it comes back.
   */
  look(): void {
    this.#loop.look()
  }

  /** Resolves when it is known what was revoked. Rejects when `signal` aborts. */
  async ready(signal?: AbortSignal): Promise<void> {
    while (!this.known) await sleep(10, undefined, signal === undefined ? {} : { signal })
  }

  async close(): Promise<void> {
    await this.#loop.close()
    await this.#bell?.close()
    this.#heard.stop()
    await this.#saving
    if (this.#unsaved) await this.#save()
  }

  async #read(feed: RevocationFeed): Promise<boolean> {
    // Before it is asked: what is committed while it answers may not be in the answer.
    const asked = this.#freshness.now()
    const entries = await feed.read()
    this.#take(entries)
    this.#freshness.proven(asked)
    this.#troubles.over('database')
    this.#considerSaving()
    return true
  }

  #take(entries: readonly Entry[]): void {
    const news = entries.filter((entry) => this.#index.add(entry))
    if (news.length > 0) {
      this.#unsaved = true
      if (this.#options.rings === true) this.#bell?.ring()
      const revocations = news.map(({ revocation }) => revocation)
      this.#listeners.tell(revocations)
    }
    if (Date.now() - this.#forgotAt < FORGET_MS) return
    this.#forgotAt = Date.now()
    this.#index.forget(this.#forgotAt)
  }

  /** Beside the loop: a slow disk must not keep a revocation waiting. */
  #considerSaving(): void {
    const age = Date.now() - this.#savedAt
    if (this.#saving !== undefined || age < (this.#unsaved ? SAVE_NEWS_MS : SAVE_PROOF_MS)) return
    this.#saving = this.#save().finally(() => {
      this.#saving = undefined
    })
  }

  async #save(): Promise<void> {
    const freshAtMs = this.#freshness.wallMs
    if (freshAtMs === undefined) return
    this.#unsaved = false
    this.#savedAt = Date.now()
    try {
      await this.#file.write({ entries: [...this.#index.entries()], freshAtMs })
      this.#troubles.over('disk')
    } catch (error) {
      this.#unsaved = true
      this.#troubles.report('disk', error)
    }
  }
}

function openerOf({ database }: RevocationFollowerOptions): OpenRevocationFeed {
  if (typeof database === 'function') return database
  return (onNews) => PostgresFeed.open(database, onNews)
}
