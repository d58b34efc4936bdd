import { type Detector, isAfter, passesLuhn, matchesOf, type Span } from './detector.ts'

const FORM = /(?<![\w-])(?<!\d\.)[12]\d{9}(?![\w-])(?!\.\d)/g
const WORD = /\b(?:npi|national provider|provider (?:id|identifier|number|no))\b/i

/**
 * US national provider identifiers. One of ten numbers of that length passes the check, times in
 * seconds among them, so that a word before it or the field's name must say what it is.
 */
export const NPI: Detector = {
  kind: 'npi',
  mayHave: ({ digits }) => digits >= 10,
  find({ text, label }) {
    const found: Span[] = []
    for (const { 0: digits, index } of matchesOf(FORM, text)) {
      const said = label.certain.has('npi') || isAfter(text, index, WORD)
      if (said && passesLuhn(`80840${digits}`)) found.push({ start: index, end: index + 10 })
    }
    return found
  },
}
