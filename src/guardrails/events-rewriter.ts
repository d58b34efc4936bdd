import { wholeJson } from './json-rewriter.ts'
import { type Rewriter, Unreadable } from './rewriter.ts'
import type { Verdict } from './verdict.ts'

/** Longest event, in characters. */
const EVENT_MAX = 262_144

/** Looks at server-sent events, each as a whole: at its data, as JSON if it is that, and at its fields. */
export class EventsRewriter implements Rewriter {
  readonly #verdict: Verdict
  #rest = ''
  #lines: string[] = []
  #length = 0

  constructor(verdict: Verdict) {
    this.#verdict = verdict
  }

  push(text: string): string {
    // What has come before has no end in it, but for a carriage return at its end.
    const mayEnd = /[\r\n]/.test(text) || this.#rest.endsWith('\r')
    this.#rest += text
    const out = mayEnd ? this.#whole(false) : ''
    if (this.#length + this.#rest.length > EVENT_MAX)
      throw new Unreadable('an event that is too long')
    return out
  }

  end(): string {
    const out = this.#whole(true)
    // Readers leave out an event without an end, but not all of them.
    const last = this.#rest === '' ? [] : [this.#rest]
    const event = this.#event([...this.#lines, ...last])
    return out + (last.length === 0 ? event : event.slice(0, -1))
  }

  /** The events that have come to their end. */
  #whole(isEnd: boolean): string {
    let out = ''
    for (let line = this.#next(isEnd); line !== undefined; line = this.#next(isEnd)) {
      out += this.#line(line)
    }
    return out
  }

  /** The next whole line, without its end. A carriage return may be half of one. */
  #next(isEnd: boolean): string | undefined {
    const match = /\r\n|\n|\r(?=[^])/.exec(this.#rest) ?? (isEnd ? /\r$/.exec(this.#rest) : null)
    if (match === null) return undefined
    const line = this.#rest.slice(0, match.index)
    this.#rest = this.#rest.slice(match.index + match[0].length)
    return line
  }

  #line(line: string): string {
    if (line !== '') {
      this.#lines.push(line)
      this.#length += line.length + 1
      return ''
    }
    const event = this.#event(this.#lines)
    this.#lines = []
    this.#length = 0
    return `${event}\n`
  }

  #event(lines: readonly string[]): string {
    const data = lines.filter(isData)
    const payload = data.map((line) => line.slice(line[5] === ' ' ? 6 : 5)).join('\n')
    const passing = this.#payload(payload)
    const others = lines.filter((line) => !isData(line)).map((line) => this.#verdict.text(line))
    const passed = passing === payload ? data : passing.split('\n').map((line) => `data: ${line}`)
    return [...others, ...passed].map((line) => `${line}\n`).join('')
  }

  #payload(payload: string): string {
    const json = /^\s*[{["]/.test(payload) ? wholeJson(payload, this.#verdict, 1) : undefined
    return json ?? this.#verdict.text(payload)
  }
}

const isData = (line: string) => line.startsWith('data:')
