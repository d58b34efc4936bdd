import { RingfenceError } from '../core/errors.ts'

/** A pattern, as far as it can be followed in linear time. */
export type Node =
  | { readonly kind: 'one'; readonly takes: (character: string) => boolean }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'sequence' | 'either'; readonly nodes: readonly Node[] }
  | {
      readonly kind: 'repeat'
      readonly node: Node
      readonly least: number
      readonly most: number
    }

const LENGTH_MAX = 1_000
const NESTING_MAX = 50

/** One character, in whichever way it is written; a class up to its end. */
const ONE =
  /\\(?:[dDwWsSfnrtv0]|u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[pP]\{[\w=]{1,60}\}|[^\w])|\[\^?(?:\\.|[^\\\]])*\]|[^\\[\]()*+?|^$]/suy
const QUANTIFIER = /(?:([*+?])|\{(\d{1,4})(?:(,)(\d{1,4})?)?\})\??/y
const GROUP = /\((?:\?:|\?<[a-zA-Z]\w*>|(?!\?))/y

/** @throws RingfenceError `invalid_manifest` */
export function parsePattern(source: string): Node {
  if (source.length > LENGTH_MAX) throw refused('is too long')
  // What the engine does not take is no pattern; what it takes may still be none of ours.
  regExpOf(source)
  const reader = new PatternReader(source)
  const node = reader.either(0)
  if (reader.at !== source.length) throw refused('is not of a kind that is supported')
  return node
}

class PatternReader {
  readonly #source: string
  at = 0

  constructor(source: string) {
    this.#source = source
  }

  either(depth: number): Node {
    if (depth > NESTING_MAX) throw refused('is nested too deeply')
    const nodes = [this.#sequence(depth)]
    while (this.#source[this.at] === '|') {
      this.at += 1
      nodes.push(this.#sequence(depth))
    }
    return nodes.length === 1 && nodes[0] !== undefined ? nodes[0] : { kind: 'either', nodes }
  }

  #sequence(depth: number): Node {
    const nodes: Node[] = []
    while (this.at < this.#source.length) {
      const next = this.#source[this.at]
      if (next === '|' || next === ')') break
      nodes.push(this.#quantified(this.#term(depth)))
    }
    return { kind: 'sequence', nodes }
  }

  #term(depth: number): Node {
    const next = this.#source[this.at]
    if (next === '^' || next === '$') {
      this.at += 1
      return { kind: next === '^' ? 'start' : 'end' }
    }
    if (next === '(') {
      if (this.#take(GROUP) === undefined) throw refused('looks around, which is not supported')
      const node = this.either(depth + 1)
      if (this.#source[this.at] !== ')') throw refused('has a group without an end')
      this.at += 1
      return node
    }
    const one = this.#take(ONE)
    if (one === undefined) throw refused('has something in it that is not supported')
    return { kind: 'one', takes: takerOf(one[0]) }
  }

  #quantified(node: Node): Node {
    const match = this.#take(QUANTIFIER)
    if (match === undefined) return node
    const [, sign, low, comma, high] = match
    const least = sign === undefined ? Number(low) : sign === '+' ? 1 : 0
    const most = sign === undefined ? mostOf(least, comma, high) : sign === '?' ? 1 : MANY
    return { kind: 'repeat', node, least, most }
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at
    const match = pattern.exec(this.#source)
    if (match === null) return undefined
    this.at += match[0].length
    return match
  }
}

const MANY = Number.POSITIVE_INFINITY

function mostOf(least: number, comma: string | undefined, high: string | undefined): number {
  if (comma === undefined) return least
  return high === undefined ? MANY : Number(high)
}

/** Whether a character is of a class. The engine itself says so, of one character at a time. */
function takerOf(source: string): (character: string) => boolean {
  const pattern = regExpOf(`^${source}$`)
  const ascii = Array.from({ length: 128 }, (_, code) => pattern.test(String.fromCharCode(code)))
  return (character) => {
    const code = character.codePointAt(0) ?? 0
    return code < 128 ? ascii[code] === true : pattern.test(character)
  }
}

/** As JSON Schema asks for it, with Unicode; else as people write it. */
function regExpOf(source: string): RegExp {
  for (const flags of ['u', '']) {
    try {
      return new RegExp(source, flags)
    } catch {
      // The next.
    }
  }
  throw refused('is not a regular expression')
}

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_manifest', `a pattern ${why}`)
}
