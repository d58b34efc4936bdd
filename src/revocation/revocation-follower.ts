import { mkdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { Alarm } from '../snapshot/alarm.ts'
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
const RETRY_MS_MIN = 50
const RETRY_MS_MAX = 1_000
/** News go to the disk within the first, the proof that there are none within the second. */
const SAVE_NEWS_MS = 1_000
const SAVE_PROOF_MS = 10_000
const FORGET_MS = 10_000

type Trouble = 'database' | 'disk' | 'bell'

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
  readonly #listeners: ((news: readonly Revocation[]) => void)[] = []
  readonly #alarm = new Alarm()
  #closing = false
  #following: Promise<void> = Promise.resolve()
  #feed: RevocationFeed | undefined
  #bell: Bell | undefined
  readonly #heard = new Spaced(() => this.look(), BELL_MS)
  #saving: Promise<void> | undefined
  #unsaved = false
  #savedAt = 0
  #forgotAt = 0
  /** What was reported last: what goes on is said once. */
  readonly #troubles = new Map<Trouble, string>()

  private constructor(options: RevocationFollowerOptions) {
    this.#options = options
    this.#file = new RevocationFile(options.directory)
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
      follower.#report('disk', error)
    }
    follower.#bell = options.bell?.(
      () => {
        follower.#troubles.delete('bell')
        follower.#heard.call()
      },
      (error) => follower.#report('bell', error),
    )
    follower.#following = follower.#follow()
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
    this.#listeners.push(listener)
  }

  /**
   * Reads at once, and rings if it is one that rings: for whoever has just published something. Without
   * a database there is nothing to be hurried: all is read when it comes back.
   */
  look(): void {
    if (this.#feed !== undefined) this.#alarm.ring()
  }

  /** Resolves when it is known what was revoked. Rejects when `signal` aborts. */
  async ready(signal?: AbortSignal): Promise<void> {
    while (!this.known) await sleep(10, undefined, signal === undefined ? {} : { signal })
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#alarm.ring()
    await this.#bell?.close()
    this.#heard.stop()
    // A question that the database does not answer is not waited for.
    await this.#feed?.close()
    await this.#following
    await this.#saving
    if (this.#unsaved) await this.#save()
  }

  async #follow(): Promise<void> {
    let failures = 0
    while (!this.#closing) {
      try {
        const feed = await this.#openFeed()
        this.#feed = feed
        try {
          await this.#followOn(feed, () => {
            failures = 0
            this.#troubles.delete('database')
          })
        } finally {
          this.#feed = undefined
          await feed.close()
        }
      } catch (error) {
        if (!this.#closing) this.#report('database', error)
      }
      failures += 1
      const limit = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(failures, 10))
      if (!this.#closing) await this.#alarm.wait(limit * (0.5 + Math.random() / 2))
    }
  }

  #openFeed(): Promise<RevocationFeed> {
    const { database } = this.#options
    const onNews = () => this.#alarm.ring()
    return typeof database === 'function' ? database(onNews) : PostgresFeed.open(database, onNews)
  }

  async #followOn(feed: RevocationFeed, onRead: () => void): Promise<void> {
    while (!this.#closing) {
      // Before it is asked: what is committed while it answers may not be in the answer.
      const asked = this.#freshness.now()
      const entries = await feed.read()
      this.#take(entries)
      this.#freshness.proven(asked)
      onRead()
      this.#considerSaving()
      await sleep(PAUSE_MS)
      await this.#alarm.wait(this.#options.pollMs ?? POLL_MS)
    }
  }

  #take(entries: readonly Entry[]): void {
    const news = entries.filter((entry) => this.#index.add(entry))
    if (news.length > 0) {
      this.#unsaved = true
      if (this.#options.rings === true) this.#bell?.ring()
      const revocations = news.map(({ revocation }) => revocation)
      for (const listener of this.#listeners) this.#tell(listener, revocations)
    }
    if (Date.now() - this.#forgotAt < FORGET_MS) return
    this.#forgotAt = Date.now()
    this.#index.forget(this.#forgotAt)
  }

  #tell(listener: (news: readonly Revocation[]) => void, news: readonly Revocation[]): void {
    try {
      listener(news)
    } catch (error) {
      this.#options.onTrouble?.(
        new RingfenceError('internal', 'a listener failed', { cause: error }),
      )
    }
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
      this.#troubles.delete('disk')
    } catch (error) {
      this.#unsaved = true
      this.#report('disk', error)
    }
  }

  #report(of: Trouble, error: unknown): void {
    const trouble =
      error instanceof RingfenceError
        ? error
        : new RingfenceError('engine_unavailable', 'the control database cannot be reached', {
            detail: messageOf(error),
            cause: error,
          })
    const text = `${trouble.code} ${trouble.message} ${trouble.detail ?? ''}`
    if (text === this.#troubles.get(of)) return
    this.#troubles.set(of, text)
    this.#options.onTrouble?.(trouble)
  }
}
