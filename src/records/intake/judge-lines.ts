import { auditEntrySchema, type AuditEntry, type Category } from '../../audit/entry.ts'
import type { ClientId } from '../../core/names.ts'
import { readLine } from '../../journal/journal-line.ts'
import type { KeySet } from '../../tokens/verify-token.ts'
import { refusalFor } from '../../usage/reporter.ts'
import { type UsageEvent, usageEventSchema } from '../../usage/usage-event.ts'
import type { Quarantined } from './intake-database.ts'

/** A plane that may send its journals. */
export interface IntakePlane {
  readonly client: ClientId
  readonly keys: KeySet
  /** What kinds of acts it has a hand in: with its key nobody enters others. */
  readonly categories: readonly Category[]
}

export interface Judged {
  readonly entries: readonly AuditEntry[]
  readonly events: readonly UsageEvent[]
  readonly refused: readonly Quarantined[]
}

/** What the lines of a batch are. One that is not what it should be does not hold up the others. */
export function judgeLines(lines: readonly string[], plane: IntakePlane, source: string): Judged {
  const entries: AuditEntry[] = []
  const events: UsageEvent[] = []
  const refused: Quarantined[] = []
  for (const line of lines) {
    const judged = judge(line, plane)
    if (typeof judged === 'string') refused.push({ source, reason: judged, line })
    else if ('entry' in judged) entries.push(judged.entry)
    else events.push(judged.event)
  }
  return { entries, events, refused }
}

type Verdict = { readonly entry: AuditEntry } | { readonly event: UsageEvent } | string

function judge(text: string, plane: IntakePlane): Verdict {
  const line = readLine(text)
  if (line?.kind === 'audit') {
    const { data: entry } = auditEntrySchema.safeParse(line.value)
    if (entry === undefined) return 'not an entry'
    return plane.categories.includes(entry.category) ? { entry } : 'not an act of this plane'
  }
  if (line?.kind === 'usage') {
    const { data: event } = usageEventSchema.safeParse(line.value)
    if (event === undefined) return 'not an event'
    return refusalFor(event, { kind: 'plane', ...plane }, []) ?? { event }
  }
  return 'not a line of a journal'
}
