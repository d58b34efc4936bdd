import { auditEntrySchema } from '../audit/entry.ts'
import { RingfenceError } from '../core/errors.ts'
import { usageEventSchema } from '../usage/usage-event.ts'
import { Behaviour } from './behaviour.ts'
import type { Finding } from './finding.ts'
import type { BehaviourSettings } from './settings.ts'

/** What detectors make of recorded traffic. */
export interface Replayed {
  readonly entries: number
  readonly events: number
  readonly findings: readonly Finding[]
  /** Hours of baselines that were judged: warm, with enough in them to be told. */
  readonly judged: number
}

/**
 * Plays recorded traffic to the detectors, at the times that it has. Nothing is done about what they find.
 * @param lines JSON: entries of logs, or usage events. Empty lines are passed over
 * @throws RingfenceError `invalid_argument` with the line's number
 */
export async function replay(
  lines: AsyncIterable<string> | Iterable<string>,
  settings: BehaviourSettings,
): Promise<Replayed> {
  const findings: Finding[] = []
  let now = 0
  const behaviour = new Behaviour({
    settings,
    now: () => now,
    found: (finding) => void findings.push(finding),
  })
  const counts = { entries: 0, events: 0 }
  let number = 0
  for await (const line of lines) {
    number += 1
    if (line.trim() === '') continue
    const read = readRecord(line, number)
    if ('entry' in read) {
      now = Math.max(now, Date.parse(read.entry.time))
      behaviour.entered([read.entry])
      counts.entries += 1
    } else {
      now = Math.max(now, Date.parse(read.event.time))
      behaviour.used([read.event])
      counts.events += 1
    }
  }
  return { ...counts, findings, judged: behaviour.baselines.judged }
}

function readRecord(line: string, number: number) {
  const value = parse(line)
  const { data: entry } = auditEntrySchema.safeParse(value)
  if (entry !== undefined) return { entry }
  const { data: event } = usageEventSchema.safeParse(value)
  if (event !== undefined) return { event }
  throw new RingfenceError(
    'invalid_argument',
    `line ${number} is neither an entry of a log nor a usage event`,
  )
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
