import { RingfenceError } from '../../core/errors.ts'
import type { PageRequest } from './directory.ts'

export const PAGE_MAX = 1_000
const OFFSET_MAX = 1_000_000

/** @throws RingfenceError `invalid_argument` */
export function checkPage({ offset, limit }: PageRequest): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(limit)
  if (!whole || offset < 0 || limit < 0 || offset > OFFSET_MAX || limit > PAGE_MAX) {
    throw new RingfenceError('invalid_argument', `a page has at most ${PAGE_MAX} entries`)
  }
}
