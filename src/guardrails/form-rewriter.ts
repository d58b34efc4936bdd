import { wholeJson } from './json-rewriter.ts'
import { labelOf } from './labels.ts'
import { PIECE_MAX, type Rewriter, Unreadable } from './rewriter.ts'
import type { Verdict } from './verdict.ts'

/** Looks at a form (`application/x-www-form-urlencoded`): at each name, and each value under its name. */
export class FormRewriter implements Rewriter {
  readonly #verdict: Verdict
  #rest = ''

  constructor(verdict: Verdict) {
    this.#verdict = verdict
  }

  push(text: string): string {
    this.#rest += text
    // What has come before has no end in it.
    const pairs = text.includes('&') ? this.#rest.split('&') : [this.#rest]
    this.#rest = pairs.pop() ?? ''
    if (this.#rest.length > PIECE_MAX) throw new Unreadable('a form with a field that is too long')
    return pairs.map((pair) => `${this.#pair(pair)}&`).join('')
  }

  end(): string {
    return this.#pair(this.#rest)
  }

  #pair(pair: string): string {
    const at = pair.indexOf('=')
    const name = at === -1 ? pair : pair.slice(0, at)
    const label = labelOf(decoded(name))
    const passing = this.#part(name, (text) => this.#verdict.text(text))
    if (at === -1) return passing
    const value = this.#part(pair.slice(at + 1), (text) => {
      const json = /^\s*[{[]/.test(text) ? wholeJson(text, this.#verdict, 0) : undefined
      return json ?? this.#verdict.text(text, label)
    })
    return `${passing}=${value}`
  }

  #part(part: string, look: (text: string) => string): string {
    if (part === '') return part
    const text = decoded(part)
    const passing = look(text)
    return passing === text ? part : encodeURIComponent(passing)
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '))
  } catch {
    throw new Unreadable('not a form')
  }
}
