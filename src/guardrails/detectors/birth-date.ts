import { type Detector, isAfter, matchesOf, type Span } from './detector.ts'

const MONTHS =
  'jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|ma[yi]|june?|juni|july?|juli|aug(?:ust)?|sep(?:t(?:ember)?)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?'
const FORM = new RegExp(
  [
    // 1980-03-12, 1980/3/12, with or without a time after it
    '(?<y1>\\d{4})[-./](?<m1>\\d{1,2})[-./](?<d1>\\d{1,2})(?=\\D|T|$)',
    // 12.03.1980, 3/12/80
    '(?<d2>\\d{1,2})(?<sep>[-./])(?<m2>\\d{1,2})\\k<sep>(?<y2>\\d{4}|\\d{2})(?![\\w./-]\\d|\\d)',
    // 12 March 1980, 12th of March, 1980
    `(?<d3>\\d{1,2})(?:st|nd|rd|th|\\.)?(?: of)? (?:${MONTHS})\\.?,? (?<y3>\\d{4})(?!\\d)`,
    // March 12, 1980
    `(?:${MONTHS})\\.? (?<d4>\\d{1,2})(?:st|nd|rd|th)?,? (?<y4>\\d{4})(?!\\d)`,
  ].join('|'),
  'gi',
)
const COMPACT = /^(\d{4})(\d{2})(\d{2})$/
const WORD =
  /\b(?:d\.?o\.?b|born|birth ?day|birth ?date|date of birth|birth|geboren|geb|geburtsdatum|née?|naissance|nacimiento)\b/i
/** A time before `born` is not one of a birth if another event stands in between. */
const OTHER = /\b(?:admitted|visit|appointment|created|updated|expires|issued|due|died)\b/i

/** Dates that a word before them, or the field's name, says to be of a birth. */
export const BIRTH_DATE: Detector = {
  kind: 'birth-date',
  mayHave: ({ digits }) => digits >= 4,
  find({ text, label }) {
    const found: Span[] = []
    const isField = label.certain.has('birth-date')
    const compact = isField ? COMPACT.exec(text) : null
    if (compact !== null && isDate(compact[1], compact[2], compact[3])) {
      return [{ start: 0, end: text.length }]
    }
    for (const match of matchesOf(FORM, text)) {
      const { y1, m1, d1, y2, m2, d2, y3, d3, y4, d4 } = match.groups ?? {}
      // A digit or letter before it: the end of something else.
      if (/[\w]$|\d[./-]$/.test(text.slice(Math.max(0, match.index - 2), match.index))) continue
      const isRight = isDate(y1 ?? y2 ?? y3 ?? y4, m1 ?? m2 ?? '1', d1 ?? d2 ?? d3 ?? d4)
      if (isRight && (isField || isSaid(text, match.index))) {
        found.push({ start: match.index, end: match.index + match[0].length })
      }
    }
    return found
  },
}

function isSaid(text: string, start: number): boolean {
  if (!isAfter(text, start, WORD)) return false
  const before = text.slice(Math.max(0, start - 48), start)
  const said = before.toLowerCase().search(WORD)
  return !OTHER.test(before.slice(said))
}

/** Day and month in either order: who writes which is not known. */
function isDate(year = '', one = '', other = ''): boolean {
  const y = Number(year)
  const isYear = year.length === 2 || (y >= 1880 && y <= new Date().getUTCFullYear())
  const [a, b] = [Number(one), Number(other)]
  return isYear && a >= 1 && b >= 1 && a <= 31 && b <= 31 && (a <= 12 || b <= 12)
}
