import type { LimitKey } from './limit-key.ts'

/** Keys of nobody that are left lying. */
const EMPTY_MAX = 10_000

/**
 * How many requests are under way, for each key. Those of nobody are forgotten some at a time: a Map
 * that shrinks and grows with every request makes more garbage than the request itself.
 */
export class HeldSeats {
  #held = new Map<LimitKey, number>()
  #size = 0

  /** Keys that somebody holds a seat of. */
  get size(): number {
    return this.#size
  }

  /** A function that gives the seat back, once; undefined where all are taken. */
  take(key: LimitKey, most: number): (() => void) | undefined {
    const held = this.#held.get(key) ?? 0
    if (held >= most) return undefined
    if (held === 0) this.#size += 1
    this.#held.set(key, held + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#giveBack(key)
    }
  }

  #giveBack(key: LimitKey): void {
    const left = (this.#held.get(key) ?? 1) - 1
    this.#held.set(key, left)
    if (left > 0) return
    this.#size -= 1
    if (this.#held.size - this.#size <= EMPTY_MAX) return
    this.#held = new Map([...this.#held].filter(([, count]) => count > 0))
  }
}
