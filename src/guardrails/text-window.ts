import type { Found } from './found.ts'
import { CONTEXT_MAX, FOUND_MAX } from './found.ts'
import { type Label, NO_LABEL } from './labels.ts'
import { look, replaced } from './look.ts'
import { type Rewriter, Unreadable } from './rewriter.ts'
import type { Verdict } from './verdict.ts'
import { folded, originalIndex } from './view.ts'

/** Characters that an escape takes to say one. */
const ESCAPED_MAX = 10
/** Held back of what has come: what is found there might go on. */
const HELD = (FOUND_MAX + 2) * ESCAPED_MAX
/** Kept of what has passed: words in it may say what follows. */
const KEPT = CONTEXT_MAX * ESCAPED_MAX
/** Characters that nobody sees may stretch what is held back so far. */
const PENDING_MAX = 262_144

/** Looks at a text without structure, through a window that is a little longer than anything found. */
export class TextWindow implements Rewriter {
  readonly #verdict: Verdict
  readonly #label: Label
  /** What has passed already. */
  #context = ''
  #pending = ''
  /**
   * Until there is so much of it, it is not looked at: each character is looked at some two times, not
   * once for each piece that comes.
   */
  #enough = HELD * 2

  constructor(verdict: Verdict, label: Label = NO_LABEL) {
    this.#verdict = verdict
    this.#label = label
  }

  push(text: string): string {
    this.#pending += text
    if (this.#pending.length < this.#enough) return ''
    const out = this.#release(this.#cut())
    this.#enough = Math.max(HELD * 2, this.#pending.length * 1.5)
    return out
  }

  end(): string {
    return this.#release(this.#pending.length)
  }

  /** Up to where nothing can be part of something that goes on. */
  #cut(): number {
    const view = folded(this.#pending)
    const passes = view.text.length - HELD
    const cut = passes > 0 ? originalIndex(view, passes) : 0
    if (cut === 0 && this.#pending.length > PENDING_MAX) {
      throw new Unreadable('it is full of characters that nobody sees')
    }
    return cut
  }

  #release(cut: number): string {
    if (cut === 0) return ''
    const before = this.#context.length
    const whole = this.#context + this.#pending
    let until = cut
    const found: Found[] = []
    for (const { what, start, end } of look(whole, this.#verdict.rules, this.#label)) {
      // Of what began before, the window has judged already; what begins later is looked at again.
      if (start < before || start - before >= until) continue
      found.push({ what, start: start - before, end: end - before })
      until = Math.max(until, end - before)
    }
    const passing = this.#pending.slice(0, until)
    this.#context = (this.#context + passing).slice(-KEPT)
    this.#pending = this.#pending.slice(until)
    return replaced(passing, this.#verdict.judge(found))
  }
}
