import { createHash } from 'node:crypto'

/** Hex SHA-256 of a JSON value in one spelling, whatever the order in which its fields were named. */
export function contentHash(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(ordered(value)) ?? 'undefined')
    .digest('hex')
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => ({ [name]: ordered(one) }))
}
