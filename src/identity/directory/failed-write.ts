import { RingfenceError } from '../../core/errors.ts'

const UNIQUE = '23505'
const FOREIGN_KEY = '23503'

/**
 * Runs a statement of a transaction, and says in our words what its constraints refused.
 * @throws RingfenceError `conflict` (with `taken`), `not_found`; anything else as it came
 */
export async function writing<T>(taken: string, statement: Promise<T>): Promise<T> {
  try {
    return await statement
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === UNIQUE) throw new RingfenceError('conflict', taken)
    if (code === FOREIGN_KEY) throw new RingfenceError('not_found', 'what it names is not there')
    throw error
  }
}

/** @throws RingfenceError `not_found`, `precondition_failed` */
export function checkVersion<Row extends { readonly version: string }>(
  row: Row | undefined,
  expected: number | undefined,
  what: string,
): Row {
  if (row === undefined) throw new RingfenceError('not_found', `there is no such ${what}`)
  if (expected !== undefined && Number(row.version) !== expected) {
    throw new RingfenceError('precondition_failed', `the ${what} has changed since it was read`)
  }
  return row
}
