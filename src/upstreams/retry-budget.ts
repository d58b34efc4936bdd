const SECONDS = 10
/** Of all requests of the last ten seconds so many may have been sent again. */
const SHARE = 0.2
/** So many in any case: of few requests a share is none. */
const LEAST = 3

/** How often failed requests may be sent again: when all fail, twice as many of them help nobody. */
export class RetryBudget {
  readonly #requests = new Uint32Array(SECONDS)
  readonly #retries = new Uint32Array(SECONDS)
  readonly #now: () => number
  #second = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** A request was sent, for the first time. */
  sent(): void {
    this.#turn()
    const at = this.#second % SECONDS
    this.#requests[at] = (this.#requests[at] ?? 0) + 1
  }

  /** Takes one more try, if there is one. */
  take(): boolean {
    this.#turn()
    const retries = sum(this.#retries)
    if (retries >= Math.max(LEAST, SHARE * sum(this.#requests))) return false
    const at = this.#second % SECONDS
    this.#retries[at] = (this.#retries[at] ?? 0) + 1
    return true
  }

  #turn(): void {
    const second = Math.floor(this.#now() / 1000)
    const gone = second - this.#second
    if (gone <= 0) return
    for (let n = 1; n <= Math.min(gone, SECONDS); n += 1) {
      this.#requests[(this.#second + n) % SECONDS] = 0
      this.#retries[(this.#second + n) % SECONDS] = 0
    }
    this.#second = second
  }
}

function sum(counts: Uint32Array): number {
  return counts.reduce((all, count) => all + count, 0)
}
