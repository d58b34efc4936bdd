import { DateTime, Duration } from './date-time.ts'
import { Decimal } from './decimal.ts'
import { IpRange } from './ip-range.ts'
import type { Value } from './value.ts'

/** A function of one of Cedar's extensions. */
export interface ExtensionCall {
  readonly arity: number
  /** It makes a value of text, so that data may hold it. */
  readonly makes: boolean
  /** Undefined where Cedar has an error. */
  run(values: readonly Value[]): Value | undefined
}

type Constructor<T> = abstract new (...values: never[]) => T

/** Of text: makes a value. */
function maker(parse: (text: string) => Value | undefined): ExtensionCall {
  return {
    arity: 1,
    makes: true,
    run: ([text]) => (typeof text === 'string' ? parse(text) : undefined),
  }
}

function of<A extends object>(
  a: Constructor<A>,
  run: (value: A) => Value | undefined,
): ExtensionCall {
  return { arity: 1, makes: false, run: ([value]) => (value instanceof a ? run(value) : undefined) }
}

function ofTwo<A extends object, B extends object>(
  a: Constructor<A>,
  b: Constructor<B>,
  run: (left: A, right: B) => Value | undefined,
): ExtensionCall {
  return {
    arity: 2,
    makes: false,
    run: ([left, right]) =>
      left instanceof a && right instanceof b ? run(left, right) : undefined,
  }
}

/** All of Cedar 4.5. What is not here makes a store unreadable. */
export const EXTENSION_CALLS: ReadonlyMap<string, ExtensionCall> = new Map([
  ['ip', maker((text) => IpRange.parse(text))],
  ['isIpv4', of(IpRange, ({ version }) => version === 4)],
  ['isIpv6', of(IpRange, ({ version }) => version === 6)],
  ['isLoopback', of(IpRange, ({ isLoopback }) => isLoopback)],
  ['isMulticast', of(IpRange, ({ isMulticast }) => isMulticast)],
  ['isInRange', ofTwo(IpRange, IpRange, (left, right) => left.isIn(right))],
  ['decimal', maker((text) => Decimal.parse(text))],
  ['lessThan', ofTwo(Decimal, Decimal, (left, right) => left.units < right.units)],
  ['lessThanOrEqual', ofTwo(Decimal, Decimal, (left, right) => left.units <= right.units)],
  ['greaterThan', ofTwo(Decimal, Decimal, (left, right) => left.units > right.units)],
  ['greaterThanOrEqual', ofTwo(Decimal, Decimal, (left, right) => left.units >= right.units)],
  ['datetime', maker((text) => DateTime.parse(text))],
  ['offset', ofTwo(DateTime, Duration, (left, right) => left.offset(right))],
  ['durationSince', ofTwo(DateTime, DateTime, (left, right) => left.since(right))],
  ['toDate', of(DateTime, ({ date }) => date)],
  ['toTime', of(DateTime, ({ time }) => time)],
  ['duration', maker((text) => Duration.parse(text))],
  ['toMilliseconds', of(Duration, (duration) => duration.in('milliseconds'))],
  ['toSeconds', of(Duration, (duration) => duration.in('seconds'))],
  ['toMinutes', of(Duration, (duration) => duration.in('minutes'))],
  ['toHours', of(Duration, (duration) => duration.in('hours'))],
  ['toDays', of(Duration, (duration) => duration.in('days'))],
])
