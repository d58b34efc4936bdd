/** What one tenant may use of a shared server. The watchdog ends what goes over. */
export interface Budget {
  /** A statement that runs longer is cancelled; after twice the time its session is ended. Seconds. */
  readonly statementSeconds: number
  /** A transaction that sits idle longer is ended with its session. Seconds. */
  readonly idleInTransactionSeconds: number
  /**
   * A transaction that is open longer is ended with its session, whatever it does: until it ends, no
   * table of the server can be cleaned of dead rows. Seconds.
   */
  readonly transactionSeconds: number
  /** A session with nothing to do for longer is ended. Seconds. */
  readonly idleSeconds: number
  /** A session that makes another role wait for a lock, and has been in its transaction for longer, is ended. Seconds. */
  readonly blockingSeconds: number
  /** Private memory of one session. MiB. Known for embedded servers only. */
  readonly sessionMemoryMiB: number
  /** Temporary files of all the tenant's sessions. MiB. */
  readonly tempMiB: number
  /** Connections of one login; PostgreSQL enforces it at connect. */
  readonly connectionsPerLogin: number
  /** Connections of all the tenant's logins; the youngest over it are ended. */
  readonly connections: number
}

export const BUDGET_DEFAULT: Budget = {
  statementSeconds: 30,
  idleInTransactionSeconds: 60,
  transactionSeconds: 300,
  idleSeconds: 600,
  blockingSeconds: 5,
  sessionMemoryMiB: 256,
  tempMiB: 512,
  connectionsPerLogin: 20,
  connections: 40,
}
