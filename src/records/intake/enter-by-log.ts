import { type AuditEntry, type LogName, logOf } from '../../audit/entry.ts'
import type { LogStore } from '../log/log-store.ts'

/**
 * Appends all at once, and where that fails log by log, so that a region that is away does not keep others'
 * entries waiting.
 * @param passOver logs that are not tried: they failed a moment ago. Those that fail now are added
 * @returns what is not entered
 */
export async function enterByLog(
  logs: Pick<LogStore, 'append'>,
  entries: readonly AuditEntry[],
  passOver: Set<LogName> = new Set(),
  onError: (log: LogName, error: unknown) => void = () => {},
): Promise<readonly AuditEntry[]> {
  const left = entries.filter((entry) => passOver.has(logOf(entry.tenant)))
  const tried = entries.filter((entry) => !passOver.has(logOf(entry.tenant)))
  if (tried.length === 0) return left
  try {
    await logs.append(tried)
    return left
  } catch {
    for (const [log, own] of Map.groupBy(tried, ({ tenant }) => logOf(tenant))) {
      try {
        await logs.append(own)
      } catch (error) {
        onError(log, error)
        passOver.add(log)
        left.push(...own)
      }
    }
  }
  return left
}
