import type { Subject } from '../../../core/names.ts'
import type { Rows } from '../../identity-database.ts'
import type { Attempt, Holder } from '../sign-in.ts'
import { AttemptStore } from './attempt-store.ts'
import { withSecond } from './methods.ts'

/** An attempt, before its user set up a factor in it. */
export interface BeforeEnrolment {
  readonly attempt: Attempt
  readonly subject: Subject
  readonly amr: readonly string[]
}

/** Who sets up a factor within a sign-in has just shown it: it counts there. */
export class EnrolledInAttempt {
  readonly #attempts = new AttemptStore()

  /** Undefined for a session, which stays as sure as it was. */
  async before(rows: Rows, holder: Holder): Promise<BeforeEnrolment | undefined> {
    if (holder.by === 'session') return undefined
    const { attempt } = holder
    const state = await this.#attempts.read(rows, attempt, 'lock')
    return state?.subject === undefined
      ? undefined
      : { attempt, subject: state.subject, amr: state.amr }
  }

  async note(
    rows: Rows,
    before: BeforeEnrolment | undefined,
    methods: readonly string[],
  ): Promise<void> {
    if (before === undefined) return
    const { attempt, subject, amr } = before
    await this.#attempts.passed(rows, attempt, subject, withSecond(amr, methods), subject)
  }
}
