import { createHash } from 'node:crypto'

/**
 * One text for one content: RFC 8785 for what occurs here, which are objects, arrays, strings, booleans
 * and whole numbers. Integers beyond JSON's are strings, dates ISO 8601; what is undefined is left out.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(plain(value))
}

/** What JSON can hold of a value, with the keys of objects in order. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, member]) => [name, plain(member)]),
    )
  }
  return value
}

/** Hex SHA-256 of the canonical JSON. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}
