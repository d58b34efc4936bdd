/**
 * A moment by two clocks of this machine. Neither alone tells how long ago it was: the wall's may be set,
 * and the steady one stands still while the machine sleeps. Milliseconds.
 */
export interface Moment {
  /** Since 1970. */
  readonly wall: number
  /** Since the process began. */
  readonly steady: number
}

/** Where moments come from. */
export type Clocks = () => Moment

export const thisMoment: Clocks = () => ({ wall: Date.now(), steady: performance.now() })

/** A moment of this process of which only the wall's time is known. Not after now. */
export function momentAt(wall: number, now: Moment): Moment {
  return { wall, steady: now.steady - Math.max(0, now.wall - wall) }
}

/** How long ago a moment was, by the clock that went further since: what must not be overstayed. */
export function elapsedMs(since: Moment, now: Moment): number {
  return Math.max(now.wall - since.wall, now.steady - since.steady)
}
