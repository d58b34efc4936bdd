import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { Bell, OpenBell } from './bell.ts'
import { type NatsLink, type OpenNatsLink, openNatsLink } from './nats-link.ts'
import type { NatsSettings } from './nats-settings.ts'

const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 10_000

/** A bell on NATS: one subject, on which every message is a ring, whatever is in it. */
export function natsBell(settings: NatsSettings, openLink = openNatsLink): OpenBell {
  return (onRing, onTrouble) => new NatsBell(settings, openLink, onRing, onTrouble)
}

class NatsBell implements Bell {
  readonly #settings: NatsSettings
  readonly #openLink: OpenNatsLink
  readonly #onRing: () => void
  readonly #onTrouble: (error: RingfenceError) => void
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #link: NatsLink | undefined
  /** Rung while there was no connection: made up for with one ring when there is. */
  #owed = false

  constructor(
    settings: NatsSettings,
    openLink: OpenNatsLink,
    onRing: () => void,
    onTrouble: (error: RingfenceError) => void,
  ) {
    this.#settings = settings
    this.#openLink = openLink
    this.#onRing = onRing
    this.#onTrouble = onTrouble
    this.#running = this.#run()
  }

  ring(): void {
    const link = this.#link
    this.#owed = link === undefined
    try {
      link?.send(this.#subject)
    } catch {
      // It is ending.
      this.#owed = true
    }
  }

  /** A connection that is only being made is not waited for: it is closed when it is there. */
  async close(): Promise<void> {
    this.#closing.abort()
    const link = this.#link
    if (link === undefined) return
    await closeQuietly(link)
    await this.#running
  }

  get #subject(): string {
    return `${this.#settings.prefix}.revocations`
  }

  async #run(): Promise<void> {
    const { servers } = this.#settings
    const { signal } = this.#closing
    let failures = 0
    for (let turn = Math.floor(Math.random() * servers.length); !signal.aborted; turn += 1) {
      const began = performance.now()
      try {
        await this.#stay(servers[turn % servers.length] ?? '')
      } catch (error) {
        if (!signal.aborted) this.#onTrouble(unheard(error))
      }
      // A server that lets us in and throws us out again is no better than one that is away.
      failures = performance.now() - began > 2 * RETRY_MS_MAX ? 0 : failures + 1
      const rounds = Math.min(Math.floor(failures / servers.length), 10)
      const pause = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** rounds)
      const jitter = 0.5 + Math.random() / 2
      await sleep(pause * jitter, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Until the connection ends. */
  async #stay(server: string): Promise<void> {
    const refused = (error: Error) => this.#onTrouble(unheard(error))
    const link = await this.#openLink(this.#settings, server, refused)
    if (this.#closing.signal.aborted) return closeQuietly(link)
    this.#link = link
    try {
      await link.hear(this.#subject, this.#onRing)
      // It may have been rung before.
      this.#onRing()
      if (this.#owed) this.ring()
      throw (await link.ended) ?? new Error('the connection ended')
    } finally {
      this.#link = undefined
      await closeQuietly(link)
    }
  }
}

const closeQuietly = (link: NatsLink) => link.close().catch(() => undefined)

function unheard(cause: unknown): RingfenceError {
  return new RingfenceError('engine_unavailable', 'the bell of revocations does not work', {
    detail: messageOf(cause),
    cause,
  })
}
