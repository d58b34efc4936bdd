import { messageOf } from '../core/errors.ts'

const PAUSE_MS = 2_000

/** Does what waits to be done, about every two seconds, and at once when it is nudged. */
export class NudgedRounds {
  readonly #what: string
  readonly #work: () => Promise<boolean>
  readonly #log: (line: string) => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #busy = false
  #again = false
  #closed = false

  /**
   * @param what lines of the log begin with it
   * @param work resolves with whether there may be more to do at once
   */
  constructor(what: string, work: () => Promise<boolean>, log: (line: string) => void) {
    this.#what = what
    this.#work = work
    this.#log = log
    this.#later()
  }

  nudge(): void {
    this.#again = true
    if (!this.#busy && !this.#closed) this.#running = this.#round()
  }

  /** Waits for what is being done now. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #later(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => this.nudge(), PAUSE_MS)
    // Waiting alone does not keep the process alive.
    this.#timer.unref()
  }

  async #round(): Promise<void> {
    this.#busy = true
    clearTimeout(this.#timer)
    try {
      while (this.#again && !this.#closed) {
        this.#again = false
        if (await this.#work()) this.#again = true
      }
    } catch (error) {
      this.#log(`${this.#what}: ${messageOf(error)}`)
    }
    this.#busy = false
    this.#later()
  }
}
