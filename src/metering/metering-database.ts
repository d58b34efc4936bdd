import pg from 'pg'
import { PooledDatabase } from '../database/pooled-database.ts'
import { reachedOrNot } from '../database/server-errors.ts'

/** An advisory lock, held by whoever changes rollups until the end of the transaction. */
export const ROLL_LOCK = 0x75726f6c

const CONNECT_MS = 10_000
const STATEMENT_MS = 120_000

/** The database that usage is kept in: `engine_unavailable`, `timed_out`. */
export class MeteringDatabase extends PooledDatabase {
  constructor(settings: pg.ClientConfig) {
    super(settings, {
      applicationName: 'ringfence-metering',
      connections: 8,
      connectMs: CONNECT_MS,
      statementMs: STATEMENT_MS,
      // Days, hours and minutes are those of UTC.
      parameters: '-c timezone=UTC',
      tries: 5,
      errorsOf: reachedOrNot('the usage database'),
    })
  }
}

/** True for rows that the server cannot take, however often they come. */
export function isOfTheRows(error: unknown): boolean {
  const state = error instanceof pg.DatabaseError ? (error.code ?? '') : ''
  return /^2[23]/.test(state)
}
