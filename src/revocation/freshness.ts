/** A moment that clocks set back by more than this do not explain. Milliseconds. */
const AHEAD_MS_MAX = 5_000

/**
 * How old knowledge is. By two clocks, of which the one that says more counts: the machine's may be
 * set back, and the process's stands still while the machine sleeps.
 */
export class Freshness {
  readonly #wall: () => number
  readonly #steady: () => number
  #at: { readonly wall: number; readonly steady: number } | undefined

  constructor(wall: () => number = Date.now, steady: () => number = () => performance.now()) {
    this.#wall = wall
    this.#steady = steady
  }

  /** A moment, to be handed to `proven` once it is known that nothing was missed until then. */
  now(): { readonly wall: number; readonly steady: number } {
    return { wall: this.#wall(), steady: this.#steady() }
  }

  proven(at: { readonly wall: number; readonly steady: number }): void {
    this.#at = at
  }

  /** From a disk, where only the machine's clock means anything. */
  recalled(wall: number): void {
    const now = this.now()
    if (wall > now.wall + AHEAD_MS_MAX) return
    this.#at = { wall, steady: now.steady - Math.max(0, now.wall - wall) }
  }

  /** By the machine's clock, for a disk; undefined when nothing was ever proven. */
  get wallMs(): number | undefined {
    return this.#at?.wall
  }

  /** Milliseconds; infinite when nothing was ever proven, or it was proven in the future. */
  get ageMs(): number {
    if (this.#at === undefined) return Number.POSITIVE_INFINITY
    const { wall, steady } = this.now()
    return Math.max(wall - this.#at.wall, steady - this.#at.steady)
  }
}
