/** A text as it is read, with the way back to how it stands there. */
export interface View {
  readonly text: string
  /** Where each character of `text` stands in the original, and where that ends. Undefined: as it is. */
  readonly starts: Uint32Array | undefined
}

/** Where in the original a character of a view stands. */
export function originalIndex({ starts }: View, index: number): number {
  return starts === undefined ? index : (starts[index] ?? 0)
}

/**
 * A text as a person reads it: digits of any script as digits, wide and styled letters as letters,
 * any dash as `-`, any space as one space, and without what cannot be seen.
 */
export function folded(text: string): View {
  const parts = new Parts()
  let isSpace = false
  for (let index = 0; index < text.length; ) {
    const code = text.codePointAt(index) ?? 0
    const plain = code < 128 ? asciiFold(code) : foldOf(code)
    if (plain !== ' ') parts.add(plain, index)
    else if (!isSpace) parts.add(' ', index)
    if (plain !== '') isSpace = plain === ' '
    index += code > 0xffff ? 2 : 1
  }
  return parts.view(text.length)
}

const ESCAPE =
  /\\u([0-9a-fA-F]{4})|\\u\{([0-9a-fA-F]{1,6})\}|\\x([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})|&#[xX]([0-9a-fA-F]{1,6});?|&#(\d{1,7});?/g

/** A text whose escapes are read as JSON, addresses and HTML read them; undefined when it has none. */
export function unescaped(text: string): View | undefined {
  const parts = new Parts()
  let at = 0
  for (const match of text.matchAll(ESCAPE)) {
    const [whole, short, braced, byte, percent, hex, decimal] = match
    const code =
      decimal === undefined
        ? Number.parseInt(short ?? braced ?? byte ?? percent ?? hex ?? '', 16)
        : Number(decimal)
    if (code > 0x10ffff) continue
    parts.copy(text, at, match.index)
    parts.add(String.fromCodePoint(code), match.index)
    at = match.index + whole.length
  }
  if (at === 0) return undefined
  parts.copy(text, at, text.length)
  return parts.view(text.length)
}

/** What `outer` was made of, `inner`, was made of something itself: one view of that. */
export function throughBoth(outer: View, inner: View): View {
  const { starts } = outer
  if (starts === undefined) return { text: outer.text, starts: inner.starts }
  return { text: outer.text, starts: starts.map((index) => originalIndex(inner, index)) }
}

class Parts {
  #text = ''
  #starts = new Uint32Array(256)
  #length = 0

  add(text: string, from: number): void {
    this.#reserve(text.length)
    for (let n = 0; n < text.length; n += 1) this.#starts[this.#length + n] = from
    this.#length += text.length
    this.#text += text
  }

  copy(text: string, from: number, to: number): void {
    this.#reserve(to - from)
    for (let n = from; n < to; n += 1) this.#starts[this.#length + n - from] = n
    this.#length += to - from
    this.#text += text.slice(from, to)
  }

  view(end: number): View {
    this.#reserve(1)
    this.#starts[this.#length] = end
    return { text: this.#text, starts: this.#starts.subarray(0, this.#length + 1) }
  }

  #reserve(more: number): void {
    if (this.#length + more < this.#starts.length) return
    const larger = new Uint32Array((this.#length + more + 1) * 2)
    larger.set(this.#starts)
    this.#starts = larger
  }
}

const ASCII = Array.from({ length: 128 }, (_, code) => {
  if (code === 127 || (code < 32 && !(code >= 9 && code <= 13))) return ''
  return code <= 32 ? ' ' : String.fromCharCode(code)
})
const asciiFold = (code: number) => ASCII[code] ?? ''

const UNSEEN = /^[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Mn}\p{Me}\p{Cc}]$/u
const SPACE = /^[\p{Z}\u0085]$/u
const DASH = /^[\p{Pd}\u2212\u2043]$/u
const DIGIT = /^\p{Nd}$/u

/** There are no more than there are characters. */
const folds = new Map<number, string>()

function foldOf(code: number): string {
  const known = folds.get(code)
  if (known !== undefined) return known
  const character = String.fromCodePoint(code)
  let plain = ''
  for (const one of character.normalize('NFKC')) plain += foldOne(one)
  folds.set(code, plain)
  return plain
}

function foldOne(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 128) return asciiFold(code)
  if (SPACE.test(character)) return ' '
  if (UNSEEN.test(character)) return ''
  if (DASH.test(character)) return '-'
  if (character === '。') return '.'
  if (!DIGIT.test(character)) return character
  // Digits of a script stand one after another, from zero.
  let value = 0
  while (value < 9 && DIGIT.test(String.fromCodePoint(code - value - 1))) value += 1
  return String(value)
}
