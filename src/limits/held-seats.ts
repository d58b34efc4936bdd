import type { LimitKey } from './limit-key.ts'

/** How many requests are under way, for each key. Those of nobody are not remembered. */
export class HeldSeats {
  readonly #held = new Map<LimitKey, number>()

  get size(): number {
    return this.#held.size
  }

  /** A function that gives the seat back, once; undefined where all are taken. */
  take(key: LimitKey, most: number): (() => void) | undefined {
    const held = this.#held.get(key) ?? 0
    if (held >= most) return undefined
    this.#held.set(key, held + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = (this.#held.get(key) ?? 1) - 1
      if (left > 0) this.#held.set(key, left)
      else this.#held.delete(key)
    }
  }
}
