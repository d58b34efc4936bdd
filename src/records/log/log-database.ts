import type pg from 'pg'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { PooledDatabase } from '../../database/pooled-database.ts'
import { codeOf, isGivenUp, isOutOfReach } from '../../database/server-errors.ts'

/** How to reach the database that a region's logs are in. Holds a secret. */
export type LogDatabaseSettings = pg.ClientConfig

/** Milliseconds. What takes longer waits for a lock, or for a server that is gone. */
const CONNECT_MS = 10_000
const STATEMENT_MS = 60_000
const LOCK_MS = 30_000

export type LogClient = pg.ClientBase

/** The database of a region's logs. Errors of the server get the codes that a log store has. */
export class LogDatabase extends PooledDatabase {
  constructor(settings: LogDatabaseSettings) {
    super(settings, {
      applicationName: 'ringfence-logs',
      connections: 6,
      connectMs: CONNECT_MS,
      statementMs: STATEMENT_MS,
      lockMs: LOCK_MS,
      idleMs: STATEMENT_MS,
      // On the disk when it has committed, whatever the server's default is.
      begin: 'begin; set local synchronous_commit = on',
      tries: 5,
      errorsOf: logError,
    })
  }
}

/** Disk full, read-only, no space for a file: the server is there and cannot write. */
const NOT_WRITABLE = /^(?:53100|25006|58030)$/
/** A transaction in which nothing happened for too long. */
const IDLE = '25P03'

/** What an error of the server or of the way to it is for a log store. */
export function logError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RingfenceError) return error
  const options = { detail: messageOf(error), cause: error }
  if (NOT_WRITABLE.test(codeOf(error))) {
    return new RingfenceError('not_writable', "the logs' database cannot write", options)
  }
  if (isOutOfReach(error) || isGivenUp(error) || codeOf(error) === IDLE) {
    return new RingfenceError('engine_unavailable', "the logs' database cannot be reached", options)
  }
  return error
}
