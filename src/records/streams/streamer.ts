import { setTimeout as sleep } from 'node:timers/promises'
import type { LogName } from '../../audit/entry.ts'
import { messageOf } from '../../core/errors.ts'
import { signedSize } from '../api/log-reader.ts'
import type { EnteredEntry, LogStore } from '../log/log-store.ts'
import type { DueSink, Sinks } from './sinks.ts'
import type { Batch, Delivery, Stream } from './stream.ts'

const AT_ONCE = 8
const LOOK_MS = 500
const IDLE_MS = 2_000
const PAUSED_MS = 30_000
const PAUSE_MS = 1_000
const PAUSE_MS_MAX = 900_000

export interface StreamerOptions {
  readonly sinks: Sinks
  readonly store: LogStore
  /** @throws for a sink whose settings may not be used any more */
  readonly streamOf: (sink: DueSink) => Stream
  /** Whether a log's entries may leave now: not while its tenant is suspended or unknown. */
  readonly mayLeave: (log: LogName) => boolean
  readonly log: (line: string) => void
  /** How often it is looked for sinks whose turn it is. Default 500 ms. */
  readonly lookMs?: number
  /** How often a sink that has all is looked at. Default 2 s. */
  readonly idleMs?: number
  /** What a first failure is waited for, doubled by each other one up to a quarter of an hour. Default 1 s. */
  readonly pauseMs?: number
}

/**
 * Brings logs to their sinks, from the log itself by a durable position for each sink: in order, at least
 * once, one batch of a sink at a time, so that a slow one waits for itself alone. What is signed is sent, as
 * it is shown to readers.
 */
export class Streamer {
  readonly counts = { delivered: 0, failed: 0 }
  readonly #options: StreamerOptions
  readonly #ending = new AbortController()
  readonly #running: Promise<void>
  /** Streams under way, by sink: another sink is not kept waiting. */
  readonly #busy = new Map<string, Promise<void>>()

  constructor(options: StreamerOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  /** Ends after the batches under way. */
  async close(): Promise<void> {
    this.#ending.abort()
    await this.#running
    await Promise.all(this.#busy.values())
  }

  async #run(): Promise<void> {
    const { sinks, log, lookMs = LOOK_MS } = this.#options
    const { signal } = this.#ending
    while (!signal.aborted) {
      try {
        const free = AT_ONCE - this.#busy.size
        const due = free > 0 ? await sinks.claim(free) : []
        for (const sink of due) this.#start(sink)
      } catch (error) {
        log(`streams of logs: ${messageOf(error)}`)
      }
      await sleep(lookMs, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  #start(sink: DueSink): void {
    const key = `${sink.log} ${sink.name}`
    const running = this.#stream(sink)
      .catch((error: unknown) => this.#options.log(`streams of logs: ${messageOf(error)}`))
      .finally(() => this.#busy.delete(key))
    this.#busy.set(key, running)
  }

  async #stream(sink: DueSink): Promise<void> {
    const { sinks, mayLeave, idleMs = IDLE_MS } = this.#options
    if (!mayLeave(sink.log)) return sinks.later(sink, PAUSED_MS)
    let delivery: Delivery
    let batch: Batch | undefined
    try {
      const stream = this.#options.streamOf(sink)
      batch = await this.#batchOf(sink, stream)
      if (batch === undefined) return sinks.later(sink, idleMs)
      if (!(await sinks.sending(sink, batch.to))) return
      delivery = await stream.deliver(batch)
    } catch {
      // What is refused and what does not answer look alike: where a name leads is not told.
      delivery = { taken: false, why: 'the receiver cannot be reached', stop: false }
    }
    if (delivery.taken && batch !== undefined) {
      this.counts.delivered += 1
      return sinks.delivered(sink, batch.to)
    }
    this.counts.failed += 1
    const { why, stop } = delivery.taken ? { why: '', stop: false } : delivery
    return sinks.failed(sink, why, this.#pauseAfter(sink.attempts), stop)
  }

  /** Undefined: it has all that is signed. */
  async #batchOf(
    { log, position, sendingTo }: DueSink,
    { most }: Stream,
  ): Promise<Batch | undefined> {
    const { store } = this.#options
    const end = sendingTo ?? (await signedSize(store, log))
    const wanted = Math.min(end - position, sendingTo === undefined ? most.entries : Infinity)
    if (wanted <= 0) return undefined
    const read = await store.read(log, position, wanted)
    const entries = sendingTo === undefined ? fitting(read, most.bytes) : read
    if (entries.length === 0) return undefined
    return { log, from: position, to: position + entries.length, entries }
  }

  /** Between half of it and all, so that what failed together does not come again together. */
  #pauseAfter(attempts: number): number {
    const { pauseMs = PAUSE_MS } = this.#options
    const longest = Math.min(pauseMs * 2 ** Math.min(attempts, 20), PAUSE_MS_MAX)
    return longest * (0.5 + Math.random() / 2)
  }
}

/** The first ones, one at least. */
function fitting(entries: readonly EnteredEntry[], most: number): readonly EnteredEntry[] {
  let bytes = 0
  const end = entries.findIndex(({ entry }, at) => {
    bytes += JSON.stringify(entry ?? null).length + 120
    return at > 0 && bytes > most
  })
  return end < 0 ? entries : entries.slice(0, end)
}
