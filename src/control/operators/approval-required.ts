import { RingfenceError } from '../../core/errors.ts'

/** The act waits for a second person. The same call is carried out once that one has approved. */
export class ApprovalRequired extends RingfenceError {
  /** Its id. */
  readonly approval: string

  constructor(approval: string) {
    super(
      'approval_required',
      `a second person has to approve this first (${approval}); after that, ask again`,
    )
    this.approval = approval
  }
}
