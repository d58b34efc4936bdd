import type { Clock } from './count.ts'

/** A clock that stands still until a test moves it. */
export class HandClock implements Clock {
  #ms: number
  readonly #start: number

  /** @param start what its wall shows at first, in milliseconds since 1970 */
  constructor(start = Date.UTC(2026, 10, 26, 12)) {
    this.#start = start
    this.#ms = 0
  }

  readonly now = () => this.#ms
  readonly wall = () => this.#start + this.#ms

  pass(ms: number): void {
    this.#ms += ms
  }
}
