const CONTROL = /\p{Cc}/u

/** False of what no database and no log can take: control characters, halves of characters. */
export function isPlainText(text: string): boolean {
  return text.isWellFormed() && !CONTROL.test(text)
}
