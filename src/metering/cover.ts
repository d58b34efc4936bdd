import { RingfenceError } from '../core/errors.ts'
import type { Window } from './usage-readings.ts'

export type Span = 'm' | 'h' | 'd'

/** Rollups of one length, from and to. */
export interface Piece {
  readonly span: Span
  readonly from: Date
  /** Exclusive. */
  readonly to: Date
}

const LENGTH_MS: Readonly<Record<Span, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }
const SPAN_OF: Readonly<Record<Exclude<Window, 'whole'>, Span>> = {
  minute: 'm',
  hour: 'h',
  day: 'd',
}
const WINDOWS_MAX = 50_000

/**
 * The rollups that make up a time, as few as can be: days, with hours and minutes at both ends.
 * @throws RingfenceError `invalid_argument` for ends that are not of a whole window, in UTC
 */
export function coverOf(from: Date, to: Date, window: Window): readonly Piece[] {
  const [first, last] = [from.getTime(), to.getTime()]
  if (!(first < last)) throw refused('it ends before it begins')
  if (window !== 'whole') {
    const span = SPAN_OF[window]
    if (first % LENGTH_MS[span] !== 0 || last % LENGTH_MS[span] !== 0) {
      throw refused(`it begins and ends with a whole ${window} of UTC`)
    }
    if ((last - first) / LENGTH_MS[span] > WINDOWS_MAX) {
      throw refused(`it has at most ${WINDOWS_MAX} windows`)
    }
    return [{ span, from, to }]
  }
  if (first % LENGTH_MS.m !== 0 || last % LENGTH_MS.m !== 0) {
    throw refused('it begins and ends with a whole minute')
  }
  const days = within(first, last, 'd')
  const hours = within(first, last, 'h')
  const middle = days ?? { from: hours?.from ?? last, to: hours?.from ?? last }
  const pieces = [
    piece('m', first, hours?.from ?? last),
    piece('h', hours?.from ?? last, middle.from),
    piece('d', middle.from, middle.to),
    piece('h', middle.to, hours?.to ?? last),
    piece('m', hours?.to ?? last, last),
  ]
  return pieces.filter((one) => one.from < one.to)
}

/** The whole ones inside; undefined when there is none. */
function within(first: number, last: number, span: Span) {
  const length = LENGTH_MS[span]
  const from = Math.ceil(first / length) * length
  const to = Math.floor(last / length) * length
  return from < to ? { from, to } : undefined
}

const piece = (span: Span, from: number, to: number): Piece => ({
  span,
  from: new Date(from),
  to: new Date(to),
})

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `readings cannot be had for this time: ${why}`)
}
