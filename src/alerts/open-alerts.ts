import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { AlertBook, type AlertTimes } from './alert-book.ts'
import { type AlertSink, FINAL } from './alert-sink.ts'
import type { AlertMessage, AlertRow, AlertStore, ClaimedMessage } from './alert-store.ts'
import { type AlertIntake, type AlertSignalInput, alertSignalSchema, type Owner } from './alert.ts'
import { type Silence, type SilenceAsked, silenceOf } from './silence.ts'

/** Longer than any delivery takes: another process may try it then. */
const CLAIM_MS = 120_000
const BATCH = 20
const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 900_000
const GIVE_UP_MS = 24 * 3_600_000
const LOOK_MS = 1_000

export interface AlertsOptions {
  readonly store: AlertStore
  /** An owner's; asked anew for each notice and each delivery, so that they can change while it runs. */
  readonly sinks: (owner: Owner) => readonly AlertSink[] | Promise<readonly AlertSink[]>
  readonly times?: Partial<AlertTimes>
  readonly now?: () => number
  /** Between looks for what is due. Default 1 s. Milliseconds. */
  readonly lookMs?: number
  readonly log: (line: string) => void
}

/** Counted since the start. */
export interface AlertCounts {
  readonly notices: number
  readonly delivered: number
  readonly failed: number
  readonly givenUp: number
}

/**
 * Takes what detectors find, says it to its owner's sinks, and to nobody else's: once, together with
 * what belongs to it, and again while it lasts. One process of a platform runs the book; any number
 * could deliver.
 */
export class Alerts implements AlertIntake {
  readonly #options: AlertsOptions
  readonly #book: AlertBook
  readonly #silences: Map<string, Silence>
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #counts = { notices: 0, delivered: 0, failed: 0, givenUp: 0 }

  private constructor(
    options: AlertsOptions,
    rows: readonly AlertRow[],
    silences: readonly Silence[],
  ) {
    this.#options = options
    this.#book = new AlertBook(options.times, rows)
    this.#silences = new Map(silences.map((silence) => [silence.id, silence]))
  }

  /** With what the store kept of the time before. @throws what the store throws */
  static async open(options: AlertsOptions): Promise<Alerts> {
    const { alerts, silences } = await options.store.load()
    return new Alerts(options, alerts, silences)
  }

  get counts(): AlertCounts {
    return { ...this.#counts }
  }

  async signal(input: AlertSignalInput): Promise<void> {
    const read = alertSignalSchema.safeParse(input)
    if (!read.success) {
      throw new RingfenceError('invalid_argument', 'this is not an alert', {
        detail: messageOf(read.error),
      })
    }
    await this.#inTurn(async () => {
      const change = this.#book.signal(read.data)
      await this.#options.store.save({ ...change, messages: [] })
      this.#book.apply(change)
    })
  }

  /** What fires of one owner. */
  firing(owner: Owner): readonly AlertRow[] {
    return this.#book.firing(owner)
  }

  /** @throws RingfenceError `invalid_argument`; what the store throws */
  async silence(owner: Owner, asked: SilenceAsked): Promise<Silence> {
    const silence = silenceOf(owner, asked, new Date(this.#now()))
    await this.#options.store.enterSilence(silence)
    this.#silences.set(silence.id, silence)
    return silence
  }

  silences(owner: Owner): readonly Silence[] {
    return [...this.#silences.values()].filter((silence) => silence.owner === owner)
  }

  /** Of this owner alone; not an error when there is none. */
  async endSilence(owner: Owner, id: string): Promise<void> {
    await this.#options.store.removeSilence(owner, id)
    if (this.#silences.get(id)?.owner === owner) this.#silences.delete(id)
  }

  /** All of one owner, for good: what fires, what is silenced, and what is on its way. */
  async erase(owner: Owner): Promise<void> {
    await this.#inTurn(async () => {
      await this.#options.store.erase(owner)
      this.#book.erase(owner)
      for (const { id } of this.silences(owner)) this.#silences.delete(id)
    })
  }

  /** Begins to tell, until `close`. */
  start(): void {
    this.#running ??= this.#run()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** Writes down who is to be told what by now. `start` does it by itself. */
  async look(): Promise<void> {
    await this.#inTurn(async () => {
      const now = this.#now()
      for (const { id, owner, until } of this.#silences.values()) {
        if (until.getTime() <= now) await this.endSilence(owner, id)
      }
      const change = this.#book.due(now, [...this.#silences.values()])
      const { kept, gone, notices } = change
      if (kept.length + gone.length + notices.length === 0) return
      const messages: AlertMessage[] = []
      for (const notice of notices) {
        const sinks = await this.#sinksOf(notice.owner)
        messages.push(...sinks.map(({ name }) => ({ notice, sink: name })))
      }
      await this.#options.store.save({ kept, gone, messages })
      this.#book.apply(change)
      this.#counts.notices += notices.length
    })
  }

  /** Delivers what is due. Returns how many it tried. `start` does it by itself. */
  async deliver(): Promise<number> {
    const due = await this.#options.store.claim(BATCH, CLAIM_MS)
    await Promise.all(due.map((message) => this.#deliver(message)))
    return due.length
  }

  async #run(): Promise<void> {
    const { lookMs = LOOK_MS, log } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      const tried = await this.look()
        .then(() => this.deliver())
        .catch((error: unknown) => {
          log(`alerts: ${error instanceof RingfenceError ? error.code : 'internal'}`)
          return 0
        })
      if (tried < BATCH) await sleep(lookMs, undefined, { signal }).catch(() => {})
    }
  }

  async #deliver(message: ClaimedMessage): Promise<void> {
    const { store, log } = this.#options
    const { notice, sink: name, attempts } = message
    try {
      // By its owner as well: another's sink may have the same name.
      const sink = (await this.#sinksOf(notice.owner)).find((one) => one.name === name)
      if (sink === undefined) throw new RingfenceError('conflict', 'there is no such sink any more')
      await sink.deliver(notice)
      await store.delivered(message)
      this.#counts.delivered += 1
    } catch (error) {
      const code = error instanceof RingfenceError ? error.code : 'internal'
      const over = FINAL.has(code) || message.age > GIVE_UP_MS
      this.#counts[over ? 'givenUp' : 'failed'] += 1
      log(`alert ${notice.id} of ${notice.owner} to ${name}: ${code}${over ? ', given up' : ''}`)
      await store.failed(message, code, over ? undefined : pauseMs(attempts))
    }
  }

  async #sinksOf(owner: Owner): Promise<readonly AlertSink[]> {
    return (await this.#options.sinks(owner)).filter((sink) => sink.owner === owner)
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }

  /** One at a time: each change is written before the next is made of it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }
}

/** Doubled with each try; anything between half and all of it, so that not all come at once. */
function pauseMs(attempts: number): number {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** attempts, LONGEST_PAUSE_MS)
  return longest / 2 + (longest / 2) * Math.random()
}
