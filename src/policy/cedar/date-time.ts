import { long, LONG_MAX, LONG_MIN } from './value.ts'

const DAY_MS = 86_400_000n
const FORM =
  /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?(?:Z|([+-])(\d\d)(\d\d)))?$/

/** A moment, as Cedar's `datetime` has it. */
export class DateTime {
  /** Milliseconds since 1970 (UTC). */
  readonly ms: bigint

  constructor(ms: bigint) {
    this.ms = ms
  }

  /** Undefined for what is no date that there is. */
  static parse(text: string): DateTime | undefined {
    const match = FORM.exec(text)
    if (match === null) return undefined
    const [year, month, day, hour, minute, second, milli] = [1, 2, 3, 4, 5, 6, 7].map((index) =>
      Number(match[index] ?? 0),
    ) as [number, number, number, number, number, number, number]
    const [offsetHours, offsetMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)]
    if (hour > 23 || minute > 59 || second > 59) return undefined
    if (offsetHours > 23 || offsetMinutes > 59) return undefined
    // Not by `Date.UTC`, which takes the first hundred years for others.
    const date = new Date(0)
    date.setUTCFullYear(year, month - 1, day)
    if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
    const local = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + milli
    const ahead = (offsetHours * 60 + offsetMinutes) * 60_000
    return new DateTime(BigInt(local - (match[8] === '-' ? -ahead : ahead)))
  }

  get key(): string {
    return `datetime${this.ms}`
  }

  /** Undefined beyond the bounds, as for what follows. */
  offset({ ms }: Duration): DateTime | undefined {
    const sum = this.ms + ms
    return isWithin(sum) ? new DateTime(sum) : undefined
  }

  since(other: DateTime): Duration | undefined {
    const difference = this.ms - other.ms
    return isWithin(difference) ? new Duration(difference) : undefined
  }

  get date(): DateTime | undefined {
    const start = this.ms - this.time.ms
    return isWithin(start) ? new DateTime(start) : undefined
  }

  /** Since midnight. */
  get time(): Duration {
    return new Duration(((this.ms % DAY_MS) + DAY_MS) % DAY_MS)
  }
}

const DURATION = /^(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/
const UNITS = ['days', 'hours', 'minutes', 'seconds', 'milliseconds'] as const
const UNIT_MS = {
  days: DAY_MS,
  hours: 3_600_000n,
  minutes: 60_000n,
  seconds: 1_000n,
  milliseconds: 1n,
}

/** A span of time, as Cedar's `duration` has it. */
export class Duration {
  readonly ms: bigint

  constructor(ms: bigint) {
    this.ms = ms
  }

  /** Undefined for what is none, and beyond the bounds. */
  static parse(text: string): Duration | undefined {
    const match = DURATION.exec(text)
    if (match === null || text === '' || text === '-') return undefined
    const sign = match[1] === '-' ? -1n : 1n
    let ms = 0n
    for (const [index, unit] of UNITS.entries()) {
      ms += sign * BigInt(match[index + 2] ?? 0) * UNIT_MS[unit]
    }
    return isWithin(ms) ? new Duration(ms) : undefined
  }

  get key(): string {
    return `duration${this.ms}`
  }

  /** In whole units, towards zero. */
  in(unit: keyof typeof UNIT_MS): number | bigint | undefined {
    return long(this.ms / UNIT_MS[unit])
  }
}

function isWithin(ms: bigint): boolean {
  return ms <= LONG_MAX && ms >= LONG_MIN
}
