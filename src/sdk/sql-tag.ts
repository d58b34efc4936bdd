/**
 * A comment that says to which trace and service a statement belongs, in the manner of sqlcommenter:
 * `key='value'`, values in percent-encoding, keys in order. It stands before the statement: whatever the
 * statement holds (an open comment, an open string, `--` without an end) cannot swallow or extend it.
 */
const VALUE_CHARACTERS_MAX = 200
const KEY = /^[a-z][a-z0-9_]{0,30}$/
/** What `encodeURIComponent` leaves and a comment or a string of SQL could end with. */
const LEFT = /[!'()*~]/g

/** The comment with a blank after it; empty when there is nothing to say. */
export function sqlTag(values: Readonly<Record<string, string | undefined>>): string {
  const parts = Object.entries(values)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, value]) =>
      value === undefined || value === '' || !KEY.test(key) ? [] : [`${key}='${encoded(value)}'`],
    )
  return parts.length === 0 ? '' : `/*${parts.join(',')}*/ `
}

function encoded(value: string): string {
  return encodeURIComponent(value.slice(0, VALUE_CHARACTERS_MAX).toWellFormed()).replace(
    LEFT,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/**
 * What `query` is called with, tagged. A named statement is not: its text is its identity, to the driver
 * and to the server, which prepares it once for many traces. Nor is a cursor or another query object.
 */
export function taggedQuery(tag: string, args: readonly unknown[]): readonly unknown[] {
  const [query, ...others] = args
  if (tag === '') return args
  if (typeof query === 'string') return [tag + query, ...others]
  if (!isConfig(query)) return args
  // What its own class adds stays: some libraries have `values` on a prototype.
  const text = { value: tag + query.text, enumerable: true, writable: true, configurable: true }
  return [Object.create(query, { text }), ...others]
}

function isConfig(query: unknown): query is { readonly text: string } {
  if (typeof query !== 'object' || query === null) return false
  if (!('text' in query) || typeof query.text !== 'string') return false
  const isNamed = 'name' in query && query.name !== undefined && query.name !== ''
  return !isNamed && !('submit' in query)
}
