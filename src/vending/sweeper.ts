import type { Leaser, Sweep } from '../boundaries/boundary.ts'

export interface SweeperOptions {
  readonly leasers: () => readonly Leaser[]
  /** Milliseconds between the end of one sweep and the start of the next. Default 1000. */
  readonly everyMs?: number
  readonly onSweep?: (sweep: Sweep) => void
  readonly onError?: (error: unknown) => void
}

/** Sweeps all leasers again and again until it is stopped: expiry and budgets depend on it. */
export class Sweeper {
  readonly #options: SweeperOptions
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: SweeperOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#round()
  }

  /** Waits for the sweep that runs now. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  async #round(): Promise<void> {
    for (const leaser of this.#options.leasers()) {
      try {
        this.#options.onSweep?.(await leaser.sweep())
      } catch (error) {
        this.#options.onError?.(error)
      }
    }
    if (this.#stopped) return
    this.#timer = setTimeout(() => this.start(), this.#options.everyMs ?? 1000)
  }
}
