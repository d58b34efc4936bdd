/** Does something again and again, each time after a pause that the time before gave. */
export class Rounds {
  readonly #round: () => Promise<number>
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #ended = false

  /** @param round resolves with the milliseconds until the next one; it must not reject */
  constructor(round: () => Promise<number>) {
    this.#round = round
  }

  /** True from the call of `stop` on: a long round looks at it and ends early. */
  get ended(): boolean {
    return this.#ended
  }

  start(inMs = 0): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#round().then((nextMs) => {
        if (!this.#ended) this.start(nextMs)
      })
    }, inMs)
    // Waiting for the next round alone does not keep the process alive.
    this.#timer.unref()
  }

  /** Waits for the round that runs now. */
  async stop(): Promise<void> {
    this.#ended = true
    clearTimeout(this.#timer)
    await this.#running
  }
}
