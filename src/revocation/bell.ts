import type { RingfenceError } from '../core/errors.ts'

/**
 * Says that there may be something new, and nothing else: what is new is read where it is kept. Whoever
 * forges it makes somebody look; whoever holds it back delays news until the next look. So whatever
 * carries it needs no trust.
 */
export interface Bell {
  /** Tells all who listen. Does not wait, and says nothing of it when nobody can be told. */
  ring(): void
  close(): Promise<void>
}

/**
 * Hangs a bell up, without waiting until it can be heard.
 * @param onRing also called when it may have been rung unheard
 */
export type OpenBell = (onRing: () => void, onTrouble: (error: RingfenceError) => void) => Bell
