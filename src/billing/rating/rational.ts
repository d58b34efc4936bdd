/** An exact fraction: `n / d`, with `d` above 0 and nothing in common. */
export interface Rational {
  readonly n: bigint
  readonly d: bigint
}

export const ZERO: Rational = { n: 0n, d: 1n }
export const ONE: Rational = { n: 1n, d: 1n }

/** @param d not 0 */
export function rational(n: bigint, d = 1n): Rational {
  if (d === 0n) throw new RangeError('a fraction over nothing')
  const sign = d < 0n ? -1n : 1n
  const common = greatestCommon(n < 0n ? -n : n, d * sign)
  return { n: (n * sign) / common, d: (d * sign) / common }
}

export const plus = (a: Rational, b: Rational): Rational =>
  rational(a.n * b.d + b.n * a.d, a.d * b.d)
export const minus = (a: Rational, b: Rational): Rational => plus(a, { n: -b.n, d: b.d })
export const times = (a: Rational, b: Rational): Rational => rational(a.n * b.n, a.d * b.d)
/** Below 0, 0, above 0: as `a` stands to `b`. */
export const compare = (a: Rational, b: Rational): number => {
  const difference = a.n * b.d - b.n * a.d
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}
export const least = (a: Rational, b: Rational): Rational => (compare(a, b) <= 0 ? a : b)
export const atLeastZero = (a: Rational): Rational => (a.n < 0n ? ZERO : a)

/** The least whole number that is not below it. */
export function ceiling({ n, d }: Rational): bigint {
  const whole = n / d
  return n > 0n && n % d !== 0n ? whole + 1n : whole
}

/**
 * THE rounding of bills: to the nearest whole minor unit, and of two that are as near, to the even one.
 * Each line is rounded once, as its last step. Half-even, because over many lines it adds up to nothing,
 * where half-up would always be to one side; and because it is the same for a credit as for a charge.
 */
export function roundHalfEven({ n, d }: Rational): bigint {
  const negative = n < 0n
  const size = negative ? -n : n
  const whole = size / d
  const twice = (size % d) * 2n
  const up = twice > d || (twice === d && whole % 2n === 1n)
  const rounded = up ? whole + 1n : whole
  return negative ? -rounded : rounded
}

function greatestCommon(a: bigint, b: bigint): bigint {
  let [one, other] = [a, b]
  while (other !== 0n) [one, other] = [other, one % other]
  return one === 0n ? 1n : one
}
