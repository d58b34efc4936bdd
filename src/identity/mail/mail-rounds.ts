import { messageOf } from '../../core/errors.ts'

const PAUSE_MS = 2_000

/** Does what waits to be sent, about every two seconds, and at once when it is nudged. */
export class MailRounds {
  readonly #work: () => Promise<boolean>
  readonly #log: (line: string) => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #busy = false
  #again = false
  #closed = false

  /** @param work resolves with whether there may be more to do at once */
  constructor(work: () => Promise<boolean>, log: (line: string) => void) {
    this.#work = work
    this.#log = log
    this.#later()
  }

  nudge(): void {
    this.#again = true
    if (!this.#busy && !this.#closed) this.#running = this.#round()
  }

  /** Waits for what is being sent now. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #later(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => this.nudge(), PAUSE_MS)
    // Waiting for mail alone does not keep the process alive.
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
      this.#log(`mail: ${messageOf(error)}`)
    }
    this.#busy = false
    this.#later()
  }
}
