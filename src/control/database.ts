import { type DatabaseSettings, PooledDatabase } from '../database/pooled-database.ts'
import { reachedOrNot } from '../database/server-errors.ts'

/** Milliseconds. A statement of the registry takes a few; what takes longer waits for a lock. */
const CONNECT_MS = 10_000
const STATEMENT_MS = 30_000
const LOCK_MS = 10_000

/** The control database as the control plane's role sees it: `engine_unavailable`, `timed_out`. */
export class Database extends PooledDatabase {
  constructor(settings: DatabaseSettings) {
    super(settings, {
      applicationName: 'ringfence-control',
      connections: 12,
      connectMs: CONNECT_MS,
      statementMs: STATEMENT_MS,
      lockMs: LOCK_MS,
      idleMs: STATEMENT_MS,
      tries: 5,
      errorsOf: reachedOrNot('the control database'),
    })
  }
}
