/** Longest line that a report keeps of an engine's words, in characters. */
const LINE_LENGTH_MAX = 600

/**
 * An engine's words as one bounded line: control characters, line breaks, direction marks and halves
 * of surrogate pairs become spaces, so that no report, terminal or XML parser is misled by them.
 */
export function oneLine(text: string): string {
  const line = text
    .replace(
      /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufffe\uffff]+/gu,
      ' ',
    )
    .replace(/ {2,}/g, ' ')
    .trim()
  if (line.length <= LINE_LENGTH_MAX) return line
  const cut = line.slice(0, LINE_LENGTH_MAX - 1).replace(/[\ud800-\udbff]$/, '')
  return `${cut.trimEnd()}…`
}
