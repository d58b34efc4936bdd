import { RingfenceError } from '../core/errors.ts'

export interface FairGateOptions {
  /** How many may be inside at once. */
  readonly atOnce: number
  /** How many of one key may wait; more are refused. */
  readonly waitingPerKey: number
}

/**
 * Lets a bounded number through at once. The keys that wait take turns, so that a tenant with a
 * thousand requests delays another tenant's one request by one place and not by a thousand.
 */
export class FairGate {
  readonly #options: FairGateOptions
  /** In the order of whose turn it is. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #inside = 0

  constructor(options: FairGateOptions) {
    this.#options = options
  }

  /** @throws RingfenceError `overloaded`, and whatever `work` throws */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#options.atOnce) await this.#wait(key)
    else this.#inside += 1
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  #wait(key: string): Promise<void> {
    const queue = this.#waiting.get(key) ?? []
    if (queue.length >= this.#options.waitingPerKey) {
      throw new RingfenceError('overloaded', 'too many requests wait')
    }
    this.#waiting.set(key, queue)
    return new Promise((resolve) => queue.push(resolve))
  }

  /** Whoever leaves gives its place to the next key's first. */
  #leave(): void {
    const [turn] = this.#waiting
    if (turn === undefined) {
      this.#inside -= 1
      return
    }
    const [key, queue] = turn
    const next = queue.shift()
    this.#waiting.delete(key)
    if (queue.length > 0) this.#waiting.set(key, queue)
    next?.()
  }
}
