import type { Revocable } from '../revocation/revocation.ts'
import { type Denial, unauthenticated } from './denial.ts'

/** A request that is under way. */
export interface Open {
  /** What it stands on. */
  readonly token: Revocable | undefined
  /** Ends it, because that is no more. */
  cut(denial: Denial): void
}

/** Where a request has its place. */
export type Slot = number

/**
 * The requests that are under way, so that they can be ended when what they stand on is revoked: an
 * answer may take minutes. In slots that are used again: a Map that things come into and go out of
 * keeps hold of each until the next whole collection of garbage.
 */
export class OpenRequests {
  readonly #open: (Open | undefined)[] = []
  readonly #free: Slot[] = []

  enter(open: Open): Slot {
    const slot = this.#free.pop() ?? this.#open.length
    this.#open[slot] = open
    return slot
  }

  /** Once for each place. */
  leave(slot: Slot): void {
    this.#open[slot] = undefined
    this.#free.push(slot)
  }

  /** Ends those whose tokens are revoked now. They leave by themselves. */
  end(isRevoked: (token: Revocable) => boolean): void {
    for (const open of [...this.#open]) {
      if (open?.token !== undefined && isRevoked(open.token)) {
        open.cut(unauthenticated('it was revoked meanwhile', true))
      }
    }
  }
}
