import type { JournalLine } from '../journal/journal-line.ts'
import type { Journal } from '../journal/journal.ts'
import type { AuditWriter } from './audit-writer.ts'
import type { AuditEntry } from './entry.ts'

/** An entry as a line of a journal. */
export const auditLine = (entry: AuditEntry): JournalLine => ({ kind: 'audit', value: entry })

/** Entries in the process' own journal, from which a shipper sends them on. */
export class JournalAuditWriter implements AuditWriter {
  readonly #journal: Journal

  constructor(journal: Journal) {
    this.#journal = journal
  }

  async write(entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length > 0) await this.#journal.append(entries.map(auditLine))
  }
}
