import { type AuditEntry, type LogName, logOf } from '../../audit/entry.ts'
import type { LogStore } from '../log/log-store.ts'

/** Logs in memory, which know ids as real ones do. Some of them, or all, may be away. */
export class MemoryLogs implements Pick<LogStore, 'append'> {
  readonly entered: AuditEntry[] = []
  readonly away = new Set<LogName>()
  readonly #known = new Set<string>()
  appends = 0

  async append(entries: readonly AuditEntry[]): Promise<void> {
    this.appends += 1
    await Promise.resolve()
    if (entries.some(({ tenant }) => this.away.has(logOf(tenant)))) throw new Error('away')
    for (const entry of entries) {
      const key = `${logOf(entry.tenant)} ${entry.id}`
      if (this.#known.has(key)) continue
      this.#known.add(key)
      this.entered.push(entry)
    }
  }
}
