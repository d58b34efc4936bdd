import type { Erasure } from '../../boundaries/boundary.ts'
import { RingfenceError } from '../../core/errors.ts'

/** @throws RingfenceError `check_failed` when a probe found something after an erasure */
export function refuseResidue(erasure: Erasure): void {
  const left = erasure.probes.filter(({ found }) => found !== 0)
  if (left.length > 0) {
    const places = left.map(({ place, found }) => `${place} (${found})`).join(', ')
    throw new RingfenceError('check_failed', `something is left after erasing: ${places}`)
  }
}
