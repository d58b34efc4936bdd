/** What of one limit is left to one caller, and whether what was asked for is in it. */
export interface Taken {
  readonly allowed: boolean
  /** Units that could be taken now. */
  readonly remaining: number
  /** Until the whole limit is there again. */
  readonly resetMs: number
  /** Until what was refused could be allowed. 0 when it was allowed. */
  readonly waitMs: number
}

/** What one caller has used of one limit. `S` is what the limit allows. */
export interface Count<S = unknown> {
  /** Goes on counting by other numbers. False when it cannot: the limit is of another kind now. */
  adopt(spec: S): boolean
  /** What taking so much would come to. Takes nothing. */
  look(amount: number): Taken
  /** Whether so much could be taken: the same as `look` says of it. */
  has(amount: number): boolean
  /** Takes it, or nothing. It waits only where others have to be asked. */
  take(amount: number): Taken | Promise<Taken>
  /** What was taken and not used after all. */
  giveBack(amount: number): void
  /**
   * What was used is known only afterwards: counts it, whether or not it was in the limit.
   * @returns what is left then
   */
  settle(amount: number): Taken
  /** True when forgetting it changes nothing. */
  readonly idle: boolean
}

export interface Clock {
  /** Milliseconds that never run backwards, from a beginning not long ago: fractions count. */
  readonly now: () => number
  /** Milliseconds since 1970, UTC. */
  readonly wall: () => number
}

export const SYSTEM_CLOCK: Clock = { now: () => performance.now(), wall: () => Date.now() }
