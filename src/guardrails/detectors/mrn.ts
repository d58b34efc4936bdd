import { type Detector, matchesOf, type Span } from './detector.ts'

const LABELLED =
  /\b(?:mrn\b|m\.r\.n|medical record\b|patient (?=(?:id|number|no|nr)\b)|chart (?=(?:id|number|no)\b)|hospital (?=(?:number|no)\b))[ .:#="'()-]{0,4}(?:(?:number|num|no|nr|id)\b)?[ .:#="'()-]{0,6}(?:(?:is|was)\b ?)?([a-z]{0,4}[ -]?\d[\d-]{2,13}\d)(?![\w])/dgi
const ALONE = /^(?:[a-z]{0,4}[ -]?\d[\d-]{2,13}\d[a-z]?)$/i

/** Numbers of medical records. Each hospital has its own, so that only the words around tell. */
export const MRN: Detector = {
  kind: 'mrn',
  mayHave: ({ digits }) => digits >= 4,
  find({ text, label }) {
    if (label.certain.has('mrn') && ALONE.test(text)) return [{ start: 0, end: text.length }]
    const found: Span[] = []
    for (const { indices } of matchesOf(LABELLED, text)) {
      const [start, end] = indices?.[1] ?? [0, 0]
      if (end > start) found.push({ start, end })
    }
    return found
  },
}
