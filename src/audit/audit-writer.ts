import type { AuditEntry } from './entry.ts'

/**
 * Where a process without a transaction of the control database writes its entries: its own disk, from
 * which they are sent on. What shares a transaction with its act uses `submitEntries` instead.
 */
export interface AuditWriter {
  /**
   * On return the entries are on the disk, all or none: an act that waits for it can be found after a
   * kill, and one for which it throws must not happen.
   * @throws RingfenceError `not_writable`; `overloaded` when too many wait
   */
  write(entries: readonly AuditEntry[]): Promise<void>
}
