import { type Detector, isAfter, matchesOf, type Span } from './detector.ts'

/** Three, two and four digits with the same thing between them. */
const FORM = /(?<![\w-])(?<!\d\.)(\d{3})([-. /]?)(\d{2})\2(\d{4})(?![\w-])(?!\.\d)/g
const WORD = /\b(?:ssn|social security|social sec|soc sec|ss ?#|taxpayer)/i

/**
 * US social security numbers. With hyphens the form is enough; with anything else, or nothing, between
 * the digits a word before it, or the field's name, must say what it is.
 */
export const SSN: Detector = {
  kind: 'ssn',
  mayHave: ({ digits }) => digits >= 9,
  find({ text, label }) {
    const found: Span[] = []
    for (const match of matchesOf(FORM, text)) {
      const [whole, area = '', separator, group, serial] = match
      // Numbers that are never given out.
      if (area === '000' || area === '666' || area >= '900') continue
      if (group === '00' || serial === '0000') continue
      const said = label.certain.has('ssn') || isAfter(text, match.index, WORD)
      if (separator !== '-' && !said) continue
      found.push({ start: match.index, end: match.index + whole.length })
    }
    return found
  },
}
