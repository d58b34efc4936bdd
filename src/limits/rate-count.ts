import type { Clock, Count, Taken } from './count.ts'

export interface RateSpec {
  readonly kind: 'rate'
  /** Milliseconds that one request uses up. */
  readonly everyMs: number
  /** Requests that may come at once. */
  readonly burst: number
}

/** Parts of a request that sums of fractions may be off by. */
const ROUNDING = 1e-6

/**
 * A rate, by the generic cell rate algorithm (ITU-T I.371) in its form as a leaky bucket: one number,
 * the time at which all that was taken would have come evenly. In any window of t there are at most
 * `burst + t / everyMs` requests.
 */
export class RateCount implements Count<RateSpec> {
  #spec: RateSpec
  readonly #clock: Clock
  /** The theoretical arrival time of the next request. */
  #arrival: number

  constructor(spec: RateSpec, clock: Clock) {
    this.#spec = spec
    this.#clock = clock
    this.#arrival = clock.now()
  }

  adopt(spec: RateSpec): boolean {
    this.#spec = spec
    return true
  }

  look(amount: number): Taken {
    return this.#standing(amount, this.#backlog())
  }

  has(amount: number): boolean {
    return this.#over(amount, this.#backlog()) <= ROUNDING
  }

  #over(amount: number, backlog: number): number {
    const { everyMs, burst } = this.#spec
    return (backlog + amount * everyMs) / everyMs - burst
  }

  #standing(amount: number, backlog: number): Taken {
    const { everyMs, burst } = this.#spec
    const over = this.#over(amount, backlog)
    return {
      allowed: over <= ROUNDING,
      remaining: Math.max(0, Math.floor(burst - backlog / everyMs + ROUNDING)),
      resetMs: backlog,
      waitMs: over <= ROUNDING ? 0 : over * everyMs,
    }
  }

  take(amount: number): Taken {
    const taken = this.look(amount)
    if (taken.allowed) this.settle(amount)
    return taken
  }

  giveBack(amount: number): void {
    this.settle(-amount)
  }

  settle(amount: number): Taken {
    const now = this.#clock.now()
    this.#arrival = now + Math.max(0, this.#arrival - now) + amount * this.#spec.everyMs
    return this.#standing(0, Math.max(0, this.#arrival - now))
  }

  /** Requests that were taken and have not been made up for by time. */
  get outstanding(): number {
    return this.#backlog() / this.#spec.everyMs
  }

  get idle(): boolean {
    return this.#backlog() === 0
  }

  #backlog(): number {
    return Math.max(0, this.#arrival - this.#clock.now())
  }
}
