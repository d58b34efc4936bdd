import { RingfenceError } from '../core/errors.ts'
import type { Found } from './found.ts'
import { type Label, NO_LABEL } from './labels.ts'
import { look, markOf, type Replacement, replaced, replacements } from './look.ts'
import type { Direction, Rules } from './rules.ts'

/** Counts of what was found, by direction, what and action: `request:ssn:redact`. Never the values. */
export type Tally = Map<string, number>

/** Applies the rules of one message to its texts, and counts what was found. */
export class Verdict {
  readonly rules: Rules
  readonly direction: Direction
  /** How many things were counted by this one. */
  counted = 0
  readonly #tally: Tally

  constructor(rules: Rules, direction: Direction, tally: Tally) {
    this.rules = rules
    this.direction = direction
    this.#tally = tally
  }

  /**
   * A whole text as it may pass; the same string when nothing is to be replaced.
   * @throws RingfenceError when it holds what is blocked
   */
  text(text: string, label: Label = NO_LABEL): string {
    const parts = this.parts(text, label)
    return parts.length === 0 ? text : replaced(text, parts)
  }

  /** What of a text is to be replaced. @throws RingfenceError when it holds what is blocked */
  parts(text: string, label: Label = NO_LABEL): readonly Replacement[] {
    const found = look(text, this.rules, label)
    return found.length === 0 ? [] : this.judge(found)
  }

  /** The same for what was found already. */
  judge(found: readonly Found[]): readonly Replacement[] {
    for (const { what } of found) this.count(`${what}:${this.rules.actions.get(what)}`)
    const blocked = found.find(({ what }) => this.rules.actions.get(what) === 'block')
    if (blocked !== undefined) throw this.refusal(blocked.what)
    return replacements(found, this.rules.actions)
  }

  count(what: string): void {
    this.counted += 1
    const key = `${this.direction}:${what}`
    this.#tally.set(key, (this.#tally.get(key) ?? 0) + 1)
  }

  /** It names the kind, and nothing of the value. */
  refusal(what: string): RingfenceError {
    const kind = markOf(what).slice(1, -1)
    return this.direction === 'request'
      ? new RingfenceError('content_refused', `the body holds what a guardrail refuses: ${kind}`)
      : new RingfenceError('upstream_failed', `the answer holds what a guardrail refuses: ${kind}`)
  }
}
