import type { Journal } from '../journal/journal.ts'
import type { UsageEvent, UsageSink } from './usage-event.ts'

/** Usage in a journal, from which it is sent on. One write serves whatever else is entered at that moment. */
export class JournalUsageSink implements UsageSink {
  readonly #journal: Pick<Journal, 'append'>

  constructor(journal: Pick<Journal, 'append'>) {
    this.#journal = journal
  }

  write(events: readonly UsageEvent[]): Promise<void> {
    return this.#journal.append(events.map((value) => ({ kind: 'usage', value })))
  }
}
