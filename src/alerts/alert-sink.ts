import type { Owner } from './alert.ts'
import type { Notice } from './notice.ts'

/** Somebody who is told of one owner's alerts. */
export interface AlertSink {
  /** It is given notices of this owner alone. */
  readonly owner: Owner
  /** Stable, and the owner's only one of this name: deliveries are remembered under it. */
  readonly name: string
  /**
   * Delivers a notice; a second delivery of the same has no further effect where the receiver allows it.
   * @throws RingfenceError `engine_unavailable`, `timed_out`: try again. `conflict`, `forbidden`,
   *   `invalid_argument`: never again.
   */
  deliver(notice: Notice): Promise<void>
}

/** Deliveries that another try cannot mend. */
export const FINAL: ReadonlySet<string> = new Set(['conflict', 'forbidden', 'invalid_argument'])
