import { RingfenceError } from '../core/errors.ts'

const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/** Reads `30m`, `12h` or `90d` as seconds. @throws RingfenceError `invalid_argument` */
export function durationSeconds(value: string, flag: string): number {
  const [, amount, unit] = /^([1-9]\d{0,8})([smhd])$/.exec(value) ?? []
  if (amount === undefined || unit === undefined) {
    throw new RingfenceError('invalid_argument', `${flag} is a duration like 30m, 12h or 90d`)
  }
  return Number(amount) * UNITS[unit as keyof typeof UNITS]
}
