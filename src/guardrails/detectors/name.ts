import { COMMON_WORDS, FIRST_NAMES, LAST_NAMES, WORDS_TOO } from './names.ts'
import { type Detector, matchesOf, type Span } from './detector.ts'

const CAPITAL = '[A-Z\\u00c0-\\u00d6\\u00d8-\\u00de\\u0100-\\u017f]'
const LETTER = "[A-Za-z\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u017f'’-]"
const WORD = `${CAPITAL}${LETTER}{1,29}`
const PARTICLE = '(?:(?:van|von|de|da|di|del|della|der|den|la|le|bin|ibn|al|el|dos|du|zu)[ -]){0,2}'

/** `Dr. Ada Moreau`: a title, and one to three words. */
const TITLED = new RegExp(
  `\\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Herr|Frau|Mme|Monsieur|Madame|Sr|Sra|Señora?|Signora?|Nurse)\\.? (${WORD}(?: ${PARTICLE}${WORD}){0,2})`,
  'dg',
)
/** `my name is Ada`, `patient: Ada Moreau`. */
const SAID = new RegExp(
  `\\b(?:[Mm]y name is|[Nn]ame is|[Nn]ame:|[Pp]atient(?: name)?:?|[Cc]ontact:|[Ss]igned(?: by)?:?|[Ss]incerely,?|[Rr]egards,?) (${WORD}(?: (?:${CAPITAL}\\.? )?${PARTICLE}${WORD}){0,2})`,
  'dg',
)
/** Two words, or a word, an initial and a word. */
const PAIR = new RegExp(
  `(?<!${LETTER})(${WORD}) (?:${CAPITAL}\\.? )?(${PARTICLE})(${WORD})(?!${LETTER})`,
  'g',
)
/** `Moreau, Ada`. */
const REVERSED = new RegExp(`(?<!${LETTER})(${WORD}), (${WORD})(?!${LETTER})`, 'g')
/** All of a field: one to five words without digits. */
const WHOLE = /^\p{L}[\p{L}'’.-]{0,29}(?:[ ,]{1,2}\p{L}[\p{L}'’.-]{0,29}){0,4}$/u

/**
 * People's names, by a dictionary of common ones and what stands around them. A first name alone is
 * not found: too many are words as well.
 */
export const NAME: Detector = {
  kind: 'name',
  mayHave: ({ hasCapital }, label) =>
    hasCapital || label.certain.has('name') || label.likely.has('name'),
  find({ text, label }) {
    const whole = { start: 0, end: text.length }
    if (label.certain.has('name') && WHOLE.test(text)) return [whole]
    if (label.likely.has('name') && WHOLE.test(text) && isFullName(text)) return [whole]
    const found: Span[] = []
    for (const pattern of [TITLED, SAID]) {
      for (const { 1: name = '', indices } of matchesOf(pattern, text)) {
        const [start, end] = indices?.[1] ?? [0, 0]
        if (pattern === TITLED || name.split(' ').some((word) => isKnown(word)))
          found.push({ start, end })
      }
    }
    for (const pattern of [PAIR, REVERSED]) {
      pattern.lastIndex = 0
      for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
        const isName =
          pattern === PAIR
            ? isPair(match[1] ?? '', match[3] ?? '')
            : LAST_NAMES.has(plain(match[1])) && FIRST_NAMES.has(plain(match[2]))
        if (isName) found.push({ start: match.index, end: match.index + match[0].length })
        // The second word may be the first of the next pair.
        else pattern.lastIndex = match.index + (match[1]?.length ?? 1)
      }
    }
    return found
  },
}

function isPair(first: string, second: string): boolean {
  const [a, b] = [plain(first), plain(second)]
  if (!FIRST_NAMES.has(a)) return false
  if (LAST_NAMES.has(b)) return true
  // `Will Remain` and `MARK READ` are none; `Ada Xyzkowski` is.
  return !WORDS_TOO.has(a) && !COMMON_WORDS.has(b) && second !== second.toUpperCase()
}

/** One word is a first name, and another a last one. */
function isFullName(text: string): boolean {
  const words = text.split(/[ ,]+/).map(plain)
  return words.some(
    (first, index) =>
      FIRST_NAMES.has(first) &&
      words.some((last, other) => other !== index && LAST_NAMES.has(last)),
  )
}

const isKnown = (word: string) => FIRST_NAMES.has(plain(word)) || LAST_NAMES.has(plain(word))

function plain(word = ''): string {
  return word
    .normalize('NFD')
    .replaceAll(/[^A-Za-z]/g, '')
    .toLowerCase()
}
