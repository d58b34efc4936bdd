import type { LimitConfig } from '../contracts/limit.ts'

export type PeriodName = Extract<LimitConfig, { kind: 'quota' }>['period']

/** A stretch of the calendar, UTC, in milliseconds since 1970: `end` is the next one's `start`. */
export interface CalendarPeriod {
  readonly start: number
  readonly end: number
}

const FIXED_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

export function periodAt(name: PeriodName, wallMs: number): CalendarPeriod {
  if (name === 'month') {
    const date = new Date(wallMs)
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
    return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) }
  }
  // UTC as computers count it has no leap seconds: every day is as long as the others.
  const length = FIXED_MS[name]
  const start = Math.floor(wallMs / length) * length
  return { start, end: start + length }
}
