import { setTimeout as sleep } from 'node:timers/promises'
import { Alarm } from '../core/alarm.ts'

export interface FeedLoopOptions<Feed> {
  /** Has `onNews` called when there may be something new, and when the feed has ended. */
  readonly open: (onNews: () => void) => Promise<Feed>
  /**
   * Takes over what is new. Resolves with whether it could. It rejects when the feed does not work, which
   * is opened anew then.
   */
  readonly read: (feed: Feed) => Promise<boolean>
  /** Waited for before a feed that does not work is closed. */
  readonly settle?: () => Promise<void>
  readonly onTrouble: (error: unknown) => void
  /** Milliseconds between reads without being told of news. */
  readonly pollMs: number
  /** Milliseconds between any two reads. Default none. */
  readonly pauseMs?: number
  /** Milliseconds before it is opened anew: at first, and at the most. */
  readonly retryMs: { readonly min: number; readonly max: number }
}

/** Reads a feed whenever there is something new in it, and opens it anew when it breaks. */
export class FeedLoop<Feed extends { close(): Promise<void> }> {
  readonly #options: FeedLoopOptions<Feed>
  readonly #alarm = new Alarm()
  #feed: Feed | undefined
  #closing = false
  #following: Promise<void> = Promise.resolve()

  constructor(options: FeedLoopOptions<Feed>) {
    this.#options = options
  }

  start(): void {
    this.#following = this.#follow()
  }

  /** Reads at once. Without a feed there is nothing to be hurried: all is read when it comes back. */
  look(): void {
    if (this.#feed !== undefined) this.#alarm.ring()
  }

  /** A question that the feed does not answer is not waited for. */
  async close(): Promise<void> {
    this.#closing = true
    this.#alarm.ring()
    await this.#feed?.close()
    await this.#following
  }

  async #follow(): Promise<void> {
    const { open, settle, onTrouble, retryMs } = this.#options
    let failures = 0
    while (!this.#closing) {
      try {
        const feed = await open(() => this.#alarm.ring())
        this.#feed = feed
        try {
          await this.#followOn(feed, () => {
            failures = 0
          })
        } finally {
          this.#feed = undefined
          await settle?.()
          await feed.close()
        }
      } catch (error) {
        if (!this.#closing) onTrouble(error)
      }
      failures += 1
      const limit = Math.min(retryMs.max, retryMs.min * 2 ** Math.min(failures, 10))
      if (!this.#closing) await this.#alarm.wait(limit * (0.5 + Math.random() / 2))
    }
  }

  async #followOn(feed: Feed, onRead: () => void): Promise<void> {
    const { read, pauseMs = 0, pollMs } = this.#options
    while (!this.#closing) {
      if (await read(feed)) onRead()
      if (pauseMs > 0) await sleep(pauseMs)
      await this.#alarm.wait(pollMs)
    }
  }
}
