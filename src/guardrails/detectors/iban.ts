import { getCountrySpecifications } from 'ibantools'
import { type Detector, matchesOf, type Span } from './detector.ts'

const BEGINS = /(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}/g
const FORMS: ReadonlyMap<string, { readonly length: number; readonly account: RegExp }> = new Map(
  Object.entries(getCountrySpecifications()).flatMap(
    ([country, { chars, bban_regexp, IBANRegistry }]) =>
      chars === null || bban_regexp === null || !IBANRegistry
        ? []
        : [[country, { length: chars, account: new RegExp(bban_regexp) }]],
  ),
)

/** International bank account numbers: a country's length and form, and the check digits. */
export const IBAN: Detector = {
  kind: 'iban',
  mayHave: ({ digits }) => digits >= 4,
  find({ text }) {
    const found: Span[] = []
    for (const { index } of matchesOf(BEGINS, text)) {
      const form = FORMS.get(text.slice(index, index + 2).toUpperCase())
      const read = form === undefined ? undefined : compact(text, index, form.length)
      if (read === undefined || remainder(read.digits) !== 1) continue
      if (form?.account.test(read.digits.slice(4)) === true)
        found.push({ start: index, end: read.end })
    }
    return found
  },
}

/** So many letters and digits, at most a space or hyphen apart; undefined when more follow. */
function compact(text: string, from: number, length: number) {
  let digits = ''
  let at = from
  for (; digits.length < length; at += 1) {
    const character = text[at] ?? ''
    if (/^[A-Za-z0-9]$/.test(character)) digits += character
    else if (!/^[ -]$/.test(character) || /^[ -]$/.test(text[at - 1] ?? '')) return undefined
  }
  return /^[A-Za-z0-9]/.test(text.slice(at)) ? undefined : { digits: digits.toUpperCase(), end: at }
}

/** ISO 7064, mod 97. */
function remainder(iban: string): number {
  let sum = 0
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    sum = (value > 9 ? sum * 100 + value : sum * 10 + value) % 97
  }
  return sum
}
