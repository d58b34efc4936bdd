import { RingfenceError } from '../../core/errors.ts'
import type { Page, PageRequest } from '../control-plane.ts'

/** A page of what is in order by `keyOf`. The cursor names its list and filter. */
export function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  list: unknown,
  { limit, cursor }: PageRequest,
): Page<T> {
  const name = JSON.stringify(list)
  let after = ''
  if (cursor !== undefined) {
    const read: unknown = JSON.parse(tryJson(Buffer.from(cursor, 'base64url').toString()))
    if (!Array.isArray(read) || read[0] !== name || typeof read[1] !== 'string') {
      throw new RingfenceError('invalid_argument', 'the cursor is not of this list')
    }
    after = read[1]
  }
  const rest = all.filter((item) => keyOf(item) > after)
  const items = rest.slice(0, limit)
  const last = items.at(-1)
  const next =
    rest.length > limit && last !== undefined
      ? Buffer.from(JSON.stringify([name, keyOf(last)])).toString('base64url')
      : undefined
  return { items, next }
}

function tryJson(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch {
    return 'null'
  }
}
