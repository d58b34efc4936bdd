import { closingQuote, stringOf } from './json-token.ts'
import type { Label } from './labels.ts'
import { Unreadable } from './rewriter.ts'
import { TextWindow } from './text-window.ts'
import type { Verdict } from './verdict.ts'

/** A JSON string that is too long to be held: looked at through a window, after its opening quote. */
export class LongString {
  readonly #window: TextWindow
  isDone = false

  constructor(verdict: Verdict, label: Label) {
    this.#window = new TextWindow(verdict, label)
  }

  /**
   * @returns what may pass, with the closing quote once it has come, and what was not looked at: what
   * follows the string, or the beginning of an escape
   */
  push(text: string): { readonly passed: string; readonly left: string } {
    const close = closingQuote(text, 0)
    const until = close === -1 ? wholeEscapes(text) : close
    let piece: string
    try {
      piece = stringOf(text.slice(0, until))
    } catch {
      throw new Unreadable('not JSON')
    }
    const passed = inside(this.#window.push(piece))
    if (close === -1) return { passed, left: text.slice(until) }
    this.isDone = true
    return { passed: `${passed}${inside(this.#window.end())}"`, left: text.slice(close + 1) }
  }
}

const inside = (text: string) => JSON.stringify(text).slice(1, -1)
const ESCAPE_LENGTH = 6

/** Up to where no escape breaks off. */
function wholeEscapes(text: string): number {
  const last = text.lastIndexOf('\\')
  if (last === -1 || last < text.length - ESCAPE_LENGTH) return text.length
  let slashes = 1
  while (text.charCodeAt(last - slashes) === 92) slashes += 1
  const isEscaped = slashes % 2 === 0
  const isWhole = last + (text[last + 1] === 'u' ? ESCAPE_LENGTH : 2) <= text.length
  return isEscaped || isWhole ? text.length : last
}
