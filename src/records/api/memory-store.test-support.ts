import { createHash } from 'node:crypto'
import type { AuditEntry, LogName } from '../../audit/entry.ts'
import { logOf } from '../../audit/entry.ts'
import type { LogStore } from '../log/log-store.ts'

/** Logs in memory, without a tree: for tests of what stands before a store. */
export class MemoryLogStore implements LogStore {
  readonly logs = new Map<LogName, AuditEntry[]>()

  async append(entries: readonly AuditEntry[]): Promise<void> {
    for (const entry of entries) {
      const name = logOf(entry.tenant)
      const log = this.logs.get(name) ?? []
      if (!log.some(({ id }) => id === entry.id)) log.push(entry)
      this.logs.set(name, log)
    }
  }

  async checkpoint(log: LogName): Promise<string | undefined> {
    const size = this.logs.get(log)?.length
    return size === undefined ? undefined : `records.example/${log}\n${size}\nroot\n\n— signed\n`
  }

  async tile(log: LogName, path: string): Promise<Uint8Array | undefined> {
    const isThere = this.logs.has(log) && path === 'tile/0/000.p/1'
    return isThere ? Buffer.from(`tile of ${log}`) : undefined
  }

  async read(log: LogName, from: number, most: number) {
    const entries = this.logs.get(log)?.slice(from, from + most) ?? []
    return entries.map((entry, at) => ({
      index: from + at,
      entry,
      leafHash: createHash('sha256').update(entry.id).digest(),
    }))
  }
}
