import { CALLING_CODES } from './calling-codes.ts'
import { type Detector, isAfter, matchesOf, type Span } from './detector.ts'

/** `+49 30 901820`, `0044 (0)20 7946 0958`. */
const INTERNATIONAL = /(?<![\w+])(?:\+|00(?=[1-9]))\d(?:[ ()./-]{0,3}\d){6,14}(?!\w)/g
/** `(212) 555-0123`, `1-212-555-0123`, `212.555.0123`. */
const NORTH_AMERICAN =
  /(?<![\w.-])(?:1[ .-])?(?:\([2-9]\d{2}\)[ -]?|[2-9]\d{2}([-. ]))[2-9]\d{2}(?:\1|[-. ])\d{4}(?![\w-])(?!\.\d)/g
/** Any digits that a word, or the field's name, says to be a number to call. */
const LABELLED = /(?<![\w.-])\(?\d(?:[ ()./-]{0,2}\d){6,14}(?!\w)/g
const WORD =
  /\b(?:phone|telephone|tel|mobile|cell|fax|whatsapp|sms|handy|telefon|mobil)\b[^a-z]{0,6}(?:number|no|nr|is|at|home|work)?[^a-z0-9]{0,6}$/i
const DATE = /^\d{4}-\d\d-\d\d$/

/** Telephone numbers of any country with their prefix, of North America without it. */
export const PHONE: Detector = {
  kind: 'phone',
  mayHave: ({ digits }) => digits >= 7,
  find({ text, label }) {
    const found: Span[] = []
    const keep = (match: RegExpExecArray) =>
      found.push({ start: match.index, end: match.index + match[0].length })
    for (const match of matchesOf(INTERNATIONAL, text)) {
      const [whole] = match
      const digits = whole.replaceAll(/\D/g, '').replace(/^00/, '')
      // Leading zeros alone are no prefix: numbers of orders have them too.
      const isWritten = whole.startsWith('+') || /[ ()./-]/.test(whole)
      if (isWritten && digits.length >= 8 && digits.length <= 15 && hasCallingCode(digits))
        keep(match)
    }
    for (const match of matchesOf(NORTH_AMERICAN, text)) keep(match)
    for (const match of matchesOf(LABELLED, text)) {
      const isCertain = label.certain.has('phone') || isAfter(text, match.index, WORD)
      if (isCertain && !DATE.test(match[0])) keep(match)
    }
    return found
  },
}

function hasCallingCode(digits: string): boolean {
  return [1, 2, 3].some((length) => CALLING_CODES.has(digits.slice(0, length)))
}
