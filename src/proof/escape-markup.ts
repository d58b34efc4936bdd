// XML 1.0, section 2.2 allows no other characters, not even escaped. HTML loses nothing by it.
const NOT_A_CHARACTER = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Any text as it may stand in the content and the quoted attributes of XML and HTML. */
export function escapeMarkup(text: string): string {
  return text
    .replace(NOT_A_CHARACTER, '\u{fffd}')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
