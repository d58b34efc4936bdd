import type { WireApproval } from '../api/schemas.ts'
import type { ChangeRecord, OutsideDecision } from '../ports.ts'

/** One message to the outside. Its id stays the same however often it is delivered. */
export type OutsideMessage =
  | { readonly id: string; readonly type: 'approval.requested'; readonly data: WireApproval }
  | { readonly id: string; readonly type: 'change.started'; readonly data: ChangeRecord }

/** Where people outside hear of approvals and changes: one address of signed webhooks, one ServiceNow. */
export interface Receiver {
  /** Stable: deliveries are remembered under it. */
  readonly name: string
  /**
   * Delivers a message; a second delivery of the same id has no further effect. Returns the outside
   * system's number for it, if it gives one.
   * @throws RingfenceError `engine_unavailable`, `timed_out`: try again. `conflict`: never again.
   */
  deliver(message: OutsideMessage): Promise<string | undefined>
  /**
   * What was decided there about an approval, by its id; undefined while nothing is. Absent for
   * receivers that send their decisions by themselves.
   */
  decisionOn?(approval: string): Promise<OutsideDecision | undefined>
}
