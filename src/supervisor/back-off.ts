const BASE_MS = 200
const CAP_MS = 30_000
const HEALTHY_AFTER_MS = 60_000

/**
 * How long to wait before the next start: a random time up to a limit that doubles with every
 * failure from 200 ms to 30 s ("full jitter"), so that units that fell together do not rise together.
 * A unit that was well for 60 s begins anew.
 */
export class BackOff {
  readonly #random: () => number
  #failures = 0

  /** @param random from 0 up to but not including 1 */
  constructor(random: () => number) {
    this.#random = random
  }

  /** @param healthyMs how long the unit had been ready; 0 when it never was */
  next(healthyMs: number): number {
    if (healthyMs >= HEALTHY_AFTER_MS) this.#failures = 0
    // The exponent is bounded, or a very long row of failures would overflow.
    const limit = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(this.#failures, 16))
    this.#failures++
    return Math.floor(this.#random() * limit)
  }
}
