import { auditLine } from '../audit/journal-audit-writer.ts'
import type { JournalLine } from '../journal/journal-line.ts'
import type { Journal } from '../journal/journal.ts'
import { auditOf } from './audit-of.ts'
import type { JournalEntry } from './journal-entry.ts'

/**
 * What vending grants and refuses, in the process' journal: each line for a later process of its own, and
 * beside it, in the same write, the entry for the log.
 */
export class VendingJournal {
  readonly #journal: Journal

  constructor(journal: Journal) {
    this.#journal = journal
  }

  get writable(): boolean {
    return this.#journal.writable
  }

  /**
   * On return both are on the disk: an answer that waits for it can be found again after a kill.
   * @param beside what goes into the same write
   * @throws RingfenceError `not_writable`; `overloaded` when too much waits
   */
  append(entry: JournalEntry, beside: readonly JournalLine[] = []): Promise<void> {
    return this.#journal.append([
      { kind: 'own', value: entry },
      auditLine(auditOf(entry)),
      ...beside,
    ])
  }
}
