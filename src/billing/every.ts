import { messageOf } from '../core/errors.ts'

/** Does something again and again, one at a time, until it is closed. */
export class Every {
  readonly #work: (closed: () => boolean) => Promise<unknown>
  readonly #ms: number
  readonly #firstMs: number
  readonly #log: (line: string) => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #closed = false

  /**
   * @param work gets to know whether to end early; what it throws is logged, and tried again
   * @param firstMs what is waited for before the first time; default as before the others
   */
  constructor(
    ms: number,
    log: (line: string) => void,
    work: (closed: () => boolean) => Promise<unknown>,
    firstMs = ms,
  ) {
    this.#ms = ms
    this.#firstMs = firstMs
    this.#log = log
    this.#work = work
  }

  start(): void {
    this.#wait(this.#firstMs)
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#round()
    }, ms)
    // Waiting alone does not keep the process alive.
    this.#timer.unref()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
  }

  async #round(): Promise<void> {
    try {
      await this.#work(() => this.#closed)
    } catch (error) {
      this.#log(`billing: ${messageOf(error)}`)
    }
    if (!this.#closed) this.#wait(this.#ms)
  }
}
