import type { Found } from './found.ts'

/** Letters of other scripts that look like Latin ones, and digits and signs that are read as letters. */
const CONFUSABLE: Readonly<Record<string, string>> = Object.fromEntries(
  [
    // Cyrillic
    ['аàɑα', 'a'],
    ['еєҽε', 'e'],
    ['оοσօ', 'o'],
    ['рρ', 'p'],
    ['сϲ', 'c'],
    ['уγү', 'y'],
    ['хχ', 'x'],
    ['іїıι', 'i'],
    ['јϳ', 'j'],
    ['ѕ', 's'],
    ['ԁ', 'd'],
    ['ԛ', 'q'],
    ['ԝω', 'w'],
    ['һ', 'h'],
    ['кκ', 'k'],
    ['мμ', 'm'],
    ['нη', 'n'],
    ['тτ', 't'],
    ['вβ', 'b'],
    ['ӏ', 'l'],
    ['ѵν', 'v'],
    ['ґг', 'r'],
    ['ց', 'g'],
    ['υս', 'u'],
    ['ł', 'l'],
    ['ø', 'o'],
    ['đ', 'd'],
    ['ß', 'ss'],
    ['æ', 'ae'],
    ['œ', 'oe'],
  ].flatMap(([characters = '', latin = '']) =>
    Array.from(characters, (character) => [
      character.normalize('NFD').replaceAll(/\p{M}/gu, ''),
      latin,
    ]),
  ),
)

/** Scripts that put no spaces between words: each character is looked at as a word. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u
const TOKEN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}]+/gu
/** The same for texts of which that is enough. */
const ASCII_TOKEN = /[a-zA-Z0-9]+/g
const ASCII = /^[\x20-\x7e]*$/
const PLAIN = /^[a-z0-9]+$/
/** Characters between two words of a phrase. */
const GAP_MAX = 8

/** One topic's name and words. */
export interface Topic {
  readonly name: string
  readonly words: readonly string[]
}

interface Phrase {
  readonly topic: string
  readonly tokens: readonly string[]
}

/** Finds words and phrases of topics, whole, whatever their case, accents and look-alike letters. */
export class TopicBook {
  /** By first word. */
  readonly #phrases = new Map<string, Phrase[]>()

  constructor(topics: readonly Topic[]) {
    for (const { name, words } of topics) {
      for (const phrase of words) {
        const tokens = tokensOf(phrase.normalize('NFKC'))
        const [first] = tokens
        if (first === undefined) continue
        const same = this.#phrases.get(first) ?? []
        this.#phrases.set(first, [...same, { topic: name, tokens }])
      }
    }
  }

  get isEmpty(): boolean {
    return this.#phrases.size === 0
  }

  find(text: string): readonly Found[] {
    const found: Found[] = []
    const pattern = ASCII.test(text) ? ASCII_TOKEN : TOKEN
    pattern.lastIndex = 0
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      const phrases = this.#phrases.get(skeletonOf(match[0]))
      if (phrases === undefined) continue
      const start = match.index
      const next = pattern.lastIndex
      for (const { topic, tokens } of phrases) {
        const end = endOf(text, pattern, tokens)
        if (end !== undefined) found.push({ what: topic, start, end })
        pattern.lastIndex = next
      }
    }
    return found
  }
}

/** Where a phrase ends whose first word the pattern has just matched; undefined when it goes on otherwise. */
function endOf(text: string, pattern: RegExp, wanted: readonly string[]): number | undefined {
  let end = pattern.lastIndex
  for (const word of wanted.slice(1)) {
    const match = pattern.exec(text)
    if (match === null || match.index - end > GAP_MAX || skeletonOf(match[0]) !== word) {
      return undefined
    }
    end = pattern.lastIndex
  }
  return end
}

function tokensOf(text: string): readonly string[] {
  return Array.from(text.matchAll(TOKEN), ([word]) => skeletonOf(word))
}

function skeletonOf(word: string): string {
  const lower = word.toLowerCase()
  if (PLAIN.test(lower) || UNSPACED.test(lower)) return lower
  const bare = lower.normalize('NFD').replaceAll(/\p{M}/gu, '')
  return Array.from(bare, (character) => CONFUSABLE[character] ?? character).join('')
}
