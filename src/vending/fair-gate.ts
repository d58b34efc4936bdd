import { RingfenceError } from '../core/errors.ts'

export interface FairGateOptions {
  /** How many may be inside at once. */
  readonly atOnce: number
  /** How many of one key may be inside at once. Default half of all, and one at least. */
  readonly atOncePerKey?: number
  /** How many of one key may wait; more are refused. */
  readonly waitingPerKey: number
}

/**
 * Lets a bounded number through at once. The keys that wait take turns, so that a tenant with a
 * thousand requests delays another tenant's one request by one place and not by a thousand; and none
 * may hold all places, so that a tenant whose engine hangs keeps nobody else waiting.
 */
export class FairGate {
  readonly #atOnce: number
  readonly #atOncePerKey: number
  readonly #waitingPerKey: number
  /** In the order of whose turn it is. */
  readonly #waiting = new Map<string, (() => void)[]>()
  readonly #insideOf = new Map<string, number>()
  #inside = 0

  constructor({ atOnce, atOncePerKey, waitingPerKey }: FairGateOptions) {
    this.#atOnce = atOnce
    this.#atOncePerKey = atOncePerKey ?? Math.max(1, Math.floor(atOnce / 2))
    this.#waitingPerKey = waitingPerKey
  }

  /** How full it is now. */
  get load(): { readonly used: number; readonly limit: number; readonly waiting: number } {
    const waiting = [...this.#waiting.values()].reduce((sum, { length }) => sum + length, 0)
    return { used: this.#inside, limit: this.#atOnce, waiting }
  }

  /** @throws RingfenceError `overloaded`, and whatever `work` throws */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.#hasRoom(key)) this.#enter(key)
    else await this.#wait(key)
    try {
      return await work()
    } finally {
      this.#leave(key)
    }
  }

  #hasRoom(key: string): boolean {
    return this.#inside < this.#atOnce && (this.#insideOf.get(key) ?? 0) < this.#atOncePerKey
  }

  #enter(key: string): void {
    this.#inside += 1
    this.#insideOf.set(key, (this.#insideOf.get(key) ?? 0) + 1)
  }

  #wait(key: string): Promise<void> {
    const queue = this.#waiting.get(key) ?? []
    if (queue.length >= this.#waitingPerKey) {
      throw new RingfenceError('overloaded', 'too many requests wait')
    }
    this.#waiting.set(key, queue)
    return new Promise((resolve) => queue.push(resolve))
  }

  /** Whoever leaves gives its place to the first of the next key that may have it. */
  #leave(key: string): void {
    this.#inside -= 1
    const left = (this.#insideOf.get(key) ?? 1) - 1
    if (left > 0) this.#insideOf.set(key, left)
    else this.#insideOf.delete(key)
    const turn = [...this.#waiting.keys()].find((waiting) => this.#hasRoom(waiting))
    if (turn === undefined) return
    const queue = this.#waiting.get(turn) ?? []
    const next = queue.shift()
    // To the end of the line, unless nobody of it is left.
    this.#waiting.delete(turn)
    if (queue.length > 0) this.#waiting.set(turn, queue)
    this.#enter(turn)
    next?.()
  }
}
