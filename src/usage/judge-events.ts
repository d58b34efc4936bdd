import type { VerifiedContext } from '../tokens/tenant-context.ts'
import { refusalFor, type Reporter } from './reporter.ts'
import { type UsageEvent, usageEventSchema } from './usage-event.ts'

/** How far from now an event's time may be. */
export interface TimeLimits {
  /** Clocks differ. Milliseconds. Default five minutes. */
  readonly futureMs: number
  /** Later ones belong to bills that are closed for good. Milliseconds. Default 35 days. */
  readonly pastMs: number
}
export const TIME_LIMITS: TimeLimits = { futureMs: 300_000, pastMs: 35 * 24 * 3_600_000 }

/** The reason that time alone may mend. */
export const FROM_THE_FUTURE = 'time: it is in the future'

/** What is wrong with one event of a request. */
export interface EventProblem {
  /** Its place in the request, from 0. */
  readonly index: number
  /** As it came, if that can be told. */
  readonly id?: string
  readonly reason: string
}

export interface Judged {
  readonly events: readonly UsageEvent[]
  /** Empty when all may be kept. */
  readonly problems: readonly EventProblem[]
}

/** @param nowMs by the clock of whoever keeps them */
export function judgeEvents(
  raw: readonly unknown[],
  reporter: Reporter,
  contexts: readonly VerifiedContext[],
  nowMs: number,
  limits: TimeLimits = TIME_LIMITS,
): Judged {
  const events: UsageEvent[] = []
  const problems: EventProblem[] = []
  for (const [index, one] of raw.entries()) {
    const read = usageEventSchema.safeParse(one)
    const reason = read.success
      ? (timeRefusal(read.data, nowMs, limits) ?? refusalFor(read.data, reporter, contexts))
      : issueText(read.error.issues[0])
    if (reason !== undefined) problems.push({ index, ...idOf(one), reason })
    else if (read.success) events.push(read.data)
  }
  return { events, problems }
}

function timeRefusal(
  { time }: UsageEvent,
  nowMs: number,
  { futureMs, pastMs }: TimeLimits,
): string | undefined {
  const at = Date.parse(time)
  if (at > nowMs + futureMs) return FROM_THE_FUTURE
  return at < nowMs - pastMs ? 'time: it is too long ago' : undefined
}

type Issue = { readonly path: readonly PropertyKey[]; readonly message: string } | undefined

/** Names the attribute, never its value: a value may be somebody's. */
function issueText(issue: Issue): string {
  const path = (issue?.path ?? []).map(String).join('.').slice(0, 100)
  return `${path === '' ? 'event' : path}: ${issue?.message ?? 'not valid'}`.slice(0, 300)
}

function idOf(one: unknown): { readonly id?: string } {
  const id = (one as { readonly id?: unknown } | null)?.id
  return typeof id === 'string' ? { id: id.slice(0, 256) } : {}
}
