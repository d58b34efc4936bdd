import { type Clocks, elapsedMs, type Moment, momentAt, thisMoment } from '../core/moment.ts'

/** A moment that clocks set back by more than this do not explain. Milliseconds. */
const AHEAD_MS_MAX = 5_000

/**
 * How old knowledge is. By two clocks, of which the one that says more counts: the machine's may be
 * set back, and the process's stands still while the machine sleeps.
 */
export class Freshness {
  readonly #clocks: Clocks
  #at: Moment | undefined

  constructor(clocks: Clocks = thisMoment) {
    this.#clocks = clocks
  }

  /** A moment, to be handed to `proven` once it is known that nothing was missed until then. */
  now(): Moment {
    return this.#clocks()
  }

  proven(at: Moment): void {
    this.#at = at
  }

  /** From a disk, where only the machine's clock means anything. */
  recalled(wall: number): void {
    const now = this.now()
    if (wall > now.wall + AHEAD_MS_MAX) return
    this.#at = momentAt(wall, now)
  }

  /** By the machine's clock, for a disk; undefined when nothing was ever proven. */
  get wallMs(): number | undefined {
    return this.#at?.wall
  }

  /** Milliseconds; infinite when nothing was ever proven, or it was proven in the future. */
  get ageMs(): number {
    return this.#at === undefined ? Number.POSITIVE_INFINITY : elapsedMs(this.#at, this.now())
  }
}
