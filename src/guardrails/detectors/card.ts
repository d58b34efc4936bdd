import { type Detector, passesLuhn, matchesOf, type Span } from './detector.ts'

/** Digits, each at most one space or hyphen from the next. */
const RUN = /\d(?:[ -]?\d){11,}/g
const ALONE_BEFORE = /[\w]$|\d\.$/
const ALONE_AFTER = /^(?:\w|\.\d)/
const DIGITS_MIN = 12
const DIGITS_MAX = 19

/** Who issues numbers that begin so, and how long they are. */
const ISSUERS: readonly (readonly [begins: RegExp, lengths: readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^(?:6011|64[4-9]|65)/, [16, 19]],
  [/^(?:30[0-5]|309|36|38|39)/, [14, 16]],
  [/^35(?:2[89]|[3-8])/, [16, 17, 18, 19]],
  [/^62/, [16, 17, 18, 19]],
  [/^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, [12, 13, 14, 15, 16, 17, 18, 19]],
]

interface Group extends Span {
  readonly digits: string
  /** What stands before it: empty for the first. */
  readonly separator: string
}

/** Payment cards: an issuer's first digits, a length of that issuer's, and Luhn's check. */
export const CARD: Detector = {
  kind: 'card',
  mayHave: ({ digits }) => digits >= DIGITS_MIN,
  find({ text }) {
    const found: Span[] = []
    for (const match of matchesOf(RUN, text)) {
      const end = match.index + match[0].length
      if (ALONE_BEFORE.test(text.slice(Math.max(0, match.index - 2), match.index))) continue
      if (ALONE_AFTER.test(text.slice(end, end + 2))) continue
      found.push(...cardsIn(groupsOf(match[0], match.index)))
    }
    return found
  },
}

function groupsOf(run: string, at: number): readonly Group[] {
  return [...run.matchAll(/([ -]?)(\d+)/g)].map(
    ({ 0: whole, 1: separator = '', 2: digits = '', index }) => ({
      digits,
      separator,
      start: at + index + separator.length,
      end: at + index + whole.length,
    }),
  )
}

function cardsIn(groups: readonly Group[]): readonly Span[] {
  const found: Span[] = []
  for (let first = 0; first < groups.length; first += 1) {
    const last = lastOfCard(groups, first)
    if (last === undefined) continue
    found.push({ start: groups[first]?.start ?? 0, end: groups[last]?.end ?? 0 })
    first = last
  }
  return found
}

/** The group with which a card ends that begins with group `first`. */
function lastOfCard(groups: readonly Group[], first: number): number | undefined {
  // A part of something with hyphens is no number of its own.
  if (groups[first]?.separator === '-') return undefined
  let digits = ''
  for (let last = first; last < groups.length; last += 1) {
    const group = groups[last]
    if (group === undefined) break
    // One kind of separator throughout.
    if (last > first + 1 && group.separator !== groups[first + 1]?.separator) break
    digits += group.digits
    if (digits.length > DIGITS_MAX) break
    const isWhole = groups[last + 1]?.separator !== '-'
    if (digits.length >= DIGITS_MIN && isWhole && isCard(digits)) return last
  }
  return undefined
}

function isCard(digits: string): boolean {
  const isIssued = ISSUERS.some(
    ([begins, lengths]) => lengths.includes(digits.length) && begins.test(digits),
  )
  return isIssued && passesLuhn(digits)
}
