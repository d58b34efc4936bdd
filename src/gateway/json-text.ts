/** What JSON may not hold as it stands, and what a reader of lines might take for something else. */
const NEEDS_ESCAPES = /[^\x20\x21\x23-\x5b\x5d-\x7e]/

/** A text in JSON. Most are plain ones, which are found out faster than `JSON.stringify` is called. */
export function jsonText(text: string): string {
  return NEEDS_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`
}
