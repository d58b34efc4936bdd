import { messageOf } from './errors.ts'

export interface RoundsOptions {
  /** What it is about: lines of the log begin with it. */
  readonly what: string
  readonly log: (line: string) => void
  /** Milliseconds between the end of one round and the beginning of the next. */
  readonly everyMs: number
  /** The same after one that failed. Default as after others. */
  readonly againMs?: number
  /** Milliseconds before the first. Default none. */
  readonly firstMs?: number
}

/** Does something again and again, one round at a time. What a round throws is logged. */
export class Rounds {
  readonly #options: RoundsOptions
  readonly #round: (ended: () => boolean) => Promise<unknown>
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #ended = false

  /** @param round a long one asks now and then whether to end early */
  constructor(options: RoundsOptions, round: (ended: () => boolean) => Promise<unknown>) {
    this.#options = options
    this.#round = round
  }

  /** True from the call of `stop` on. */
  get ended(): boolean {
    return this.#ended
  }

  start(): void {
    this.#begin(this.#options.firstMs ?? 0)
  }

  /** Waits for the round that runs now. */
  async stop(): Promise<void> {
    this.#ended = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #begin(inMs: number): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#once()
    }, inMs)
    // Waiting for the next round alone does not keep the process alive.
    this.#timer.unref()
  }

  async #once(): Promise<void> {
    const { what, log, everyMs, againMs = everyMs } = this.#options
    let nextMs = everyMs
    try {
      await this.#round(() => this.#ended)
    } catch (error) {
      log(`${what}: ${messageOf(error)}`)
      nextMs = againMs
    }
    if (!this.#ended) this.#begin(nextMs)
  }
}
