import { RingfenceError } from '../core/errors.ts'

/** Steps that one message may cost: some 50 ms of one core. */
export const WORK_MAX = 2_000_000

/**
 * Who is being looked at now. Validation never waits, so that there is one at a time, and what is
 * compiled from a document need not be handed the count through code that we did not write.
 */
let left = 0

/**
 * Runs a validation that may cost so much and no more: schemas are written by tenants, and a small one
 * can ask for more steps than anybody has time for.
 */
export function withinWork<T>(steps: number, run: () => T): T {
  left = steps
  return run()
}

/** @throws RingfenceError `too_large` when all is used up */
export function spend(steps: number): void {
  left -= steps
  if (left < 0) throw new RingfenceError('too_large', 'it takes too long to look at')
}
