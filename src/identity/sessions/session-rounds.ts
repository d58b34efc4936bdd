import { messageOf } from '../../core/errors.ts'

const PAUSE_MS = 2_000

/** Does what follows from the end of sessions, about every two seconds, and at once when nudged. */
export class SessionRounds {
  readonly #work: () => Promise<boolean>
  readonly #log: (line: string) => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
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
    if (this.#closed) return
    clearTimeout(this.#timer)
    this.#running ??= this.#round().finally(() => {
      this.#running = undefined
      this.#later()
    })
  }

  /** Waits for what is being done now. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #later(): void {
    if (this.#closed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.nudge(), PAUSE_MS)
    this.#timer.unref()
  }

  async #round(): Promise<void> {
    try {
      while (this.#again && !this.#closed) {
        this.#again = false
        if (await this.#work()) this.#again = true
      }
    } catch (error) {
      this.#log(`sessions: ${messageOf(error)}`)
    }
  }
}
