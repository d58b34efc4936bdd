const WINDOW_MS = 60_000

/**
 * Bounds how many denials of callers that nobody could identify are written one by one, so that
 * whoever can reach the socket cannot fill the disk. The others are counted, and the count is written.
 */
export class DenialThrottle {
  readonly #perMinute: number
  readonly #now: () => number
  #windowEnds = 0
  #written = 0
  #uncounted = 0

  constructor(perMinute: number, now: () => number = Date.now) {
    this.#perMinute = perMinute
    this.#now = now
  }

  /** Whether to write this denial; and how many earlier ones to write down as one count first. */
  next(): { readonly write: boolean; readonly uncounted: number } {
    const now = this.#now()
    let uncounted = 0
    if (now >= this.#windowEnds) {
      uncounted = this.#uncounted
      this.#windowEnds = now + WINDOW_MS
      this.#written = 0
      this.#uncounted = 0
    }
    const write = this.#written < this.#perMinute
    if (write) this.#written += 1
    else this.#uncounted += 1
    return { write, uncounted }
  }
}
