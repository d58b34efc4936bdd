import { closingQuote, digitsOf, stringOf } from './json-token.ts'
import { type Label, labelOf, NO_LABEL } from './labels.ts'
import { PIECE_MAX, type Rewriter, Unreadable } from './rewriter.ts'
import { LongString } from './long-string.ts'
import type { Verdict } from './verdict.ts'

const DEPTH_MAX = 64
/** Keys of open objects that are remembered: a second one of the same name is refused. */
const KEYS_MAX = 50_000
const NUMBER_MAX = 1_000
/** Keys that are remembered as being clean. */
const CLEAN_MAX = 500

const SPACE = /[ \t\n\r]*/y
const SCALAR = /(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|true|false|null/y
/** What may still become one: all of what is left is looked at again when more has come. */
const SCALAR_PART = /^[-+.\w]*$/

type Frame =
  | { readonly kind: 'array'; readonly label: Label }
  | { readonly kind: 'object'; readonly keys: Set<string> }

/** What may come next. */
type Expected =
  | 'value'
  | 'value-or-end'
  | 'key'
  | 'key-or-end'
  | 'colon'
  | 'comma-or-end'
  | 'nothing'

/**
 * Looks at a JSON document as it comes: at keys, strings and numbers, each by itself, with the key as
 * what says what a value is. What it gives back is JSON of the same shape. It remembers the way to
 * where it is, and nothing of what has passed.
 */
export class JsonRewriter implements Rewriter {
  readonly #verdict: Verdict
  /** Strings that are JSON themselves are looked into so many times. */
  readonly #nested: number
  readonly #frames: Frame[] = []
  #expected: Expected = 'value'
  #label: Label = NO_LABEL
  #keys = 0
  /** Keys in which there is nothing: the same come again and again. */
  readonly #clean = new Set<string>()
  /** Text that no token has been made of. */
  #rest = ''
  /** Until there is so much of it, it is not looked at again: what comes in crumbs costs no more. */
  #enough = 0
  #long: LongString | undefined

  constructor(verdict: Verdict, nested = 1) {
    this.#verdict = verdict
    this.#nested = nested
  }

  push(text: string): string {
    this.#rest += text
    if (this.#rest.length < this.#enough) return ''
    const out = this.#read(false)
    this.#enough = this.#rest.length * 1.5
    return out
  }

  end(): string {
    const out = this.#read(true)
    if (this.#rest !== '' || this.#expected !== 'nothing')
      throw new Unreadable('JSON that breaks off')
    return out
  }

  #read(isEnd: boolean): string {
    let rest = this.#rest
    let out = ''
    if (this.#long !== undefined) {
      const { passed, left } = this.#long.push(rest)
      out += passed
      rest = left
      if (!this.#long.isDone) {
        this.#rest = rest
        return out
      }
      this.#long = undefined
    }
    // Pieces that stay as they are are copied together.
    let copied = 0
    let at = 0
    for (;;) {
      SPACE.lastIndex = at
      SPACE.test(rest)
      at = SPACE.lastIndex
      if (at >= rest.length) break
      const next = rest.charCodeAt(at)
      if (next === QUOTE) {
        const close = closingQuote(rest, at + 1)
        if (close === -1) {
          if (rest.length - at <= PIECE_MAX) break
          out += `${rest.slice(copied, at)}"`
          this.#long = this.#beginLong()
          const { passed, left } = this.#long.push(rest.slice(at + 1))
          this.#rest = left
          return out + passed
        }
        const inside = rest.slice(at + 1, close)
        const instead = this.#string(inside)
        if (instead !== undefined) {
          out += rest.slice(copied, at) + instead
          copied = close + 1
        }
        at = close + 1
      } else if (SIGNS.has(next)) {
        this.#sign(next)
        at += 1
      } else {
        SCALAR.lastIndex = at
        const mayGoOn = !isEnd && rest.length - at < NUMBER_MAX
        if (mayGoOn && SCALAR_PART.test(rest.slice(at))) break
        const match = SCALAR.exec(rest)
        const end = SCALAR.lastIndex
        if (match === null) throw new Unreadable('not JSON')
        this.#value()
        const instead = match[1] === undefined ? undefined : this.#number(match[1])
        if (instead !== undefined) {
          out += rest.slice(copied, at) + instead
          copied = end
        }
        at = end
      }
    }
    this.#rest = rest.slice(at)
    return out + rest.slice(copied, at)
  }

  #sign(code: number): void {
    switch (code) {
      case OPEN_OBJECT:
        this.#value()
        this.#open({ kind: 'object', keys: new Set() }, 'key-or-end')
        break
      case OPEN_ARRAY: {
        const label = this.#label
        this.#value()
        this.#open({ kind: 'array', label }, 'value-or-end')
        break
      }
      case CLOSE_OBJECT:
        this.#close('object')
        break
      case CLOSE_ARRAY:
        this.#close('array')
        break
      case COLON:
        if (this.#expected !== 'colon') throw new Unreadable('not JSON')
        this.#expected = 'value'
        break
      case COMMA: {
        const frame = this.#frames.at(-1)
        if (this.#expected !== 'comma-or-end' || frame === undefined) {
          throw new Unreadable('not JSON')
        }
        this.#expected = frame.kind === 'object' ? 'key' : 'value'
        this.#label = frame.kind === 'array' ? frame.label : NO_LABEL
        break
      }
    }
  }

  #open(frame: Frame, expected: Expected): void {
    if (this.#frames.length >= DEPTH_MAX) throw new Unreadable('nested too deeply')
    this.#frames.push(frame)
    this.#expected = expected
    if (frame.kind === 'object') this.#label = NO_LABEL
  }

  #close(kind: Frame['kind']): void {
    const frame = this.#frames.at(-1)
    // Of the three, only what fits the frame is ever expected in it.
    if (!this.#expected.endsWith('-or-end') || frame?.kind !== kind) {
      throw new Unreadable('not JSON')
    }
    if (frame.kind === 'object') this.#keys -= frame.keys.size
    this.#frames.pop()
    this.#after()
  }

  /** A value is at its beginning. */
  #value(): void {
    if (this.#expected !== 'value' && this.#expected !== 'value-or-end') {
      throw new Unreadable('not JSON')
    }
    this.#after()
  }

  #after(): void {
    this.#expected = this.#frames.length === 0 ? 'nothing' : 'comma-or-end'
  }

  /** What stands in the place of a string; undefined when it stays. */
  #string(inside: string): string | undefined {
    let text: string
    try {
      text = stringOf(inside)
    } catch {
      throw new Unreadable('not JSON')
    }
    if (this.#expected === 'key' || this.#expected === 'key-or-end') return this.#key(text)
    const label = this.#label
    this.#value()
    const passing = this.#inside(text) ?? this.#verdict.text(text, label)
    return passing === text ? undefined : JSON.stringify(passing)
  }

  /** A string that is JSON itself, as it may pass; undefined for any other. */
  #inside(text: string): string | undefined {
    if (this.#nested === 0 || !/^\s*[{[]/.test(text)) return undefined
    return wholeJson(text, this.#verdict, this.#nested - 1)
  }

  #key(text: string): string | undefined {
    const frame = this.#frames.at(-1)
    if (frame?.kind !== 'object') throw new Unreadable('not JSON')
    if (frame.keys.has(text)) throw new Unreadable('JSON with a key twice in one object')
    this.#label = labelOf(text)
    this.#expected = 'colon'
    const passing = this.#clean.has(text) ? text : this.#look(text)
    const key = passing === text ? text : unusedKey(passing, frame.keys)
    frame.keys.add(text).add(key)
    this.#keys += key === text ? 1 : 2
    if (this.#keys > KEYS_MAX) throw new Unreadable('JSON with too many keys')
    return key === text ? undefined : JSON.stringify(key)
  }

  #look(key: string): string {
    const before = this.#verdict.counted
    const passing = this.#verdict.text(key)
    if (this.#verdict.counted === before && this.#clean.size < CLEAN_MAX) this.#clean.add(key)
    return passing
  }

  #number(token: string): string | undefined {
    const digits = digitsOf(token)
    const passing = this.#verdict.text(digits, this.#label)
    return passing === digits ? undefined : JSON.stringify(passing)
  }

  #beginLong(): LongString {
    if (this.#expected === 'key' || this.#expected === 'key-or-end') {
      throw new Unreadable('JSON with a key that is too long')
    }
    const label = this.#label
    this.#value()
    return new LongString(this.#verdict, label)
  }
}

/** Two keys that are redacted must still be two. */
function unusedKey(key: string, used: ReadonlySet<string>): string {
  if (!used.has(key)) return key
  let n = 2
  while (used.has(`${key}-${n}`)) n += 1
  return `${key}-${n}`
}

const QUOTE = 34
const COMMA = 44
const COLON = 58
const OPEN_ARRAY = 91
const CLOSE_ARRAY = 93
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125
const SIGNS = new Set([COMMA, COLON, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT])

/** A whole JSON text as it may pass; undefined when it is none. @throws RingfenceError */
export function wholeJson(text: string, verdict: Verdict, nested: number): string | undefined {
  const rewriter = new JsonRewriter(verdict, nested)
  try {
    return rewriter.push(text) + rewriter.end()
  } catch (error) {
    if (error instanceof Unreadable) return undefined
    throw error
  }
}
