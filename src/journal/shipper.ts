import { stat } from 'node:fs/promises'
import { messageOf } from '../core/errors.ts'
import { kindOf, LINE_BYTES_MAX, type LineKind } from './journal-line.ts'
import type { Journal } from './journal.ts'
import { Mark } from './mark.ts'
import { pagesOf } from './pages.ts'
import { BEGINNING, comparePositions, type Position } from './position.ts'
import { readLines } from './read-lines.ts'
import { retryDelay } from './retry-delay.ts'

const BATCH_BYTES = 512 * 1024
const BEAT_MS = 15_000
const KEEP_MS = 7 * 24 * 3_600_000
const DELAY_MS_MAX = 60_000

/** Some of a journal's lines, as they stand in it. */
export interface Batch {
  readonly lines: readonly string[]
  /**
   * Milliseconds, when the batch reaches the journal's end: nothing that was handed over before comes
   * after this batch.
   */
  readonly completeTo: number | undefined
}

/** Thrown by who sends: the other side asks to wait. */
export class SendLater extends Error {
  readonly seconds: number
  constructor(seconds: number, message = 'the other side asks to wait') {
    super(message)
    this.seconds = seconds
  }
}

/** Thrown by who sends: fewer lines at once. */
export class SendLess extends Error {}

export interface ShipperOptions {
  readonly journal: Journal
  /** What is sent; other lines stay. Default `audit` and `usage`. */
  readonly kinds?: readonly LineKind[]
  /** On return the batch is durable elsewhere. The same lines may come again. */
  readonly send: (batch: Batch) => Promise<void>
  readonly log: (line: string) => void
  /** Bytes of one batch, about. Default 512 KiB. */
  readonly batchBytes?: number
  /** How long pages are kept after they were sent. Default seven days; they are the operator's too. */
  readonly keepMs?: number
  /** Milliseconds between batches that say only that nothing is missing. Default 15 000. */
  readonly beatMs?: number
  /** The longest pause between tries. Default a minute. */
  readonly delayMsMax?: number
  /**
   * Up to when whoever writes the journal has handed over all there is, in milliseconds: of one that is
   * itself behind. Undefined: that is not known, and is not said. Default: it is never behind.
   */
  readonly handedOverTo?: () => number | undefined
}

/** How far the other side is behind. */
export interface Lag {
  /** Bytes of the journal that are not yet sent. */
  readonly bytes: number
  /** Up to when all is sent: milliseconds. Undefined until the first answer to this process. */
  readonly completeTo: number | undefined
  /** What the last try ended with, while tries fail. */
  readonly trouble: string | undefined
}

/**
 * Sends a journal on, in order, and moves its own mark after each answer: whatever is killed, and
 * wherever, each line arrives at least once.
 */
export class Shipper {
  readonly #options: Required<ShipperOptions>
  readonly #mark: Mark
  #bytesMax: number
  #failures = 0
  #trouble: string | undefined
  #completeTo: number | undefined
  #closed = false
  #wake: () => void = () => {}
  /** Whether something was written since the end was last looked at. */
  #written = false
  readonly #stopListening: () => void
  readonly #running: Promise<void>

  private constructor(mark: Mark, options: ShipperOptions) {
    this.#options = {
      kinds: ['audit', 'usage'],
      batchBytes: BATCH_BYTES,
      keepMs: KEEP_MS,
      beatMs: BEAT_MS,
      delayMsMax: DELAY_MS_MAX,
      handedOverTo: () => Number.POSITIVE_INFINITY,
      ...options,
    }
    this.#mark = mark
    this.#bytesMax = this.#options.batchBytes
    this.#stopListening = options.journal.onWritten(() => {
      this.#written = true
      if (this.#failures === 0) this.#wake()
    })
    this.#running = this.#run()
  }

  static async start(options: ShipperOptions): Promise<Shipper> {
    return new Shipper(await Mark.open(options.journal.directory), options)
  }

  async lag(): Promise<Lag> {
    return {
      bytes: await this.#bytesUnsent(),
      completeTo: this.#completeTo,
      trouble: this.#trouble,
    }
  }

  /** Ends after the batch that is under way. Before the journal is closed. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopListening()
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        const more = await this.#sendNext()
        this.#failures = 0
        this.#trouble = undefined
        if (!more && !this.#written) await this.#pause(this.#options.beatMs)
      } catch (error) {
        await this.#pause(this.#delayAfter(error))
      }
    }
  }

  /** @returns whether there may be more at once */
  async #sendNext(): Promise<boolean> {
    const { journal, kinds, send, keepMs, batchBytes } = this.#options
    this.#written = false
    // Asked first: what is handed over from now on is not in what is settled now.
    const handedOverTo = this.#options.handedOverTo()
    const { end, completeTo: settledTo } = journal.settled()
    const completeTo = handedOverTo === undefined ? undefined : Math.min(settledTo, handedOverTo)
    const from = this.#from(end)
    const { lines, position } = await readLines(journal.directory, from, end, this.#bytesMax)
    const last = comparePositions(position, end) >= 0
    const sent = lines.filter((line) => {
      const kind = kindOf(line)
      return kind !== undefined && kinds.includes(kind)
    })
    if (sent.length > 0 || last) {
      await send({ lines: sent, completeTo: last ? completeTo : undefined })
      if (last) this.#completeTo = completeTo
    }
    this.#bytesMax = Math.min(batchBytes, this.#bytesMax * 2)
    if (comparePositions(position, this.#mark.position) !== 0) await this.#mark.move(position)
    await journal.forget(position, keepMs)
    return !last
  }

  /** A mark behind the end is of another journal, whose pages are gone. */
  #from(end: Position): Position {
    return comparePositions(this.#mark.position, end) > 0 ? BEGINNING : this.#mark.position
  }

  #delayAfter(error: unknown): number {
    if (error instanceof SendLess && this.#bytesMax > LINE_BYTES_MAX) {
      this.#bytesMax = Math.max(LINE_BYTES_MAX, Math.floor(this.#bytesMax / 2))
      return 0
    }
    this.#failures += 1
    const trouble = messageOf(error)
    if (trouble !== this.#trouble) this.#options.log(`the journal is not sent on: ${trouble}`)
    this.#trouble = trouble
    const delay = retryDelay(this.#failures, this.#options.delayMsMax)
    return error instanceof SendLater ? Math.max(delay, error.seconds * 1000) : delay
  }

  #pause(ms: number): Promise<void> {
    if (this.#closed || ms === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#wake = () => {}
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#wake = done
    })
  }

  async #bytesUnsent(): Promise<number> {
    const { journal } = this.#options
    const { end } = journal.settled()
    const from = this.#from(end)
    let bytes = 0
    for (const { number, path } of await pagesOf(journal.directory)) {
      if (number < from.page || number > end.page) continue
      const upTo = number === end.page ? end.bytes : (await stat(path)).size
      bytes += upTo - (number === from.page ? from.bytes : 0)
    }
    return bytes
  }
}
