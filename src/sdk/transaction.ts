import type pg from 'pg'
import { RingfenceError } from '../core/errors.ts'

/**
 * Commits what `work` did, or rolls back and throws what it threw.
 * @throws RingfenceError `conflict` when the server rolled back because an error had been passed over
 */
export async function inTransaction<T>(db: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await db.query('begin')
  let result: T
  try {
    result = await work()
  } catch (error) {
    await db.query('rollback').catch(() => {})
    throw error
  }
  // A transaction in which a statement failed is rolled back by COMMIT, without an error.
  const { command } = await db.query('commit')
  if (command === 'COMMIT') return result
  throw new RingfenceError('conflict', 'the transaction was rolled back: a statement had failed')
}
