import { wholeJson } from './json-rewriter.ts'
import { type Rewriter, Unreadable } from './rewriter.ts'
import type { Verdict } from './verdict.ts'

/** Longest line, in characters. */
const LINE_MAX = 1_048_576

/** Looks at JSON documents, one a line. */
export class LinesRewriter implements Rewriter {
  readonly #verdict: Verdict
  #rest = ''

  constructor(verdict: Verdict) {
    this.#verdict = verdict
  }

  push(text: string): string {
    this.#rest += text
    // What has come before has no end in it.
    const lines = text.includes('\n') ? this.#rest.split('\n') : [this.#rest]
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > LINE_MAX) throw new Unreadable('a line that is too long')
    return lines.map((line) => `${this.#line(line)}\n`).join('')
  }

  end(): string {
    return this.#line(this.#rest)
  }

  #line(line: string): string {
    if (line.trim() === '') return line
    const passing = wholeJson(line, this.#verdict, 1)
    if (passing === undefined) throw new Unreadable('a line that is not JSON')
    return passing
  }
}
