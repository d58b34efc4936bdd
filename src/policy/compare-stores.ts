import type { Decision } from './decision.ts'
import { decisionOfStore } from './decision.ts'
import type { PolicyStore } from './policy-store.ts'
import { environmentOf, type Question } from './question.ts'
import { questionOf, type RecordedQuestion } from './recorded-question.ts'

/** A recorded question that a new version of a store would answer in another way. */
export interface ChangedDecision {
  readonly recorded: RecordedQuestion
  readonly before: 'allow' | 'deny'
  readonly after: 'allow' | 'deny'
  readonly beforeReason: string
  readonly afterReason: string
}

export interface DryRun {
  readonly questions: number
  readonly changed: readonly ChangedDecision[]
  /** Questions at which a policy of the new version could not be evaluated. */
  readonly failing: number
}

/** What a store decides, without the platform's word above it. */
export function decisionBy(store: PolicyStore, question: Question): Decision {
  return decisionOfStore(store.evaluate(environmentOf(question, store)))
}

/**
 * Asks a new version of a store what was asked before.
 * @param before the version to compare with; undefined: what was decided when it was recorded
 * @throws RingfenceError `invalid_argument` for a question that cannot be read
 */
export function dryRun(
  recorded: readonly RecordedQuestion[],
  after: PolicyStore,
  before?: PolicyStore,
): DryRun {
  const changed: ChangedDecision[] = []
  let questions = 0
  let failing = 0
  for (const one of recorded) {
    const question = questionOf(one)
    const now = decisionBy(after, question)
    if (now.errors.length > 0) failing += 1
    const then = before === undefined ? recordedDecision(one) : decisionBy(before, question)
    if (then === undefined) continue
    questions += 1
    if (then.allowed === now.allowed) continue
    changed.push({
      recorded: one,
      before: wordOf(then.allowed),
      after: wordOf(now.allowed),
      beforeReason: then.reason,
      afterReason: now.reason,
    })
  }
  return { questions, changed, failing }
}

function recordedDecision({
  decision,
  policies = [],
}: RecordedQuestion): Pick<Decision, 'allowed' | 'reason'> | undefined {
  if (decision === undefined) return undefined
  return { allowed: decision === 'allow', reason: `recorded: ${policies.join(', ')}` }
}

const wordOf = (allowed: boolean) => (allowed ? 'allow' : 'deny')
