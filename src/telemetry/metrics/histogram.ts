import { RingfenceError } from '../../core/errors.ts'

/** Each doubling is cut into so many parts of the same width. */
const PARTS_BITS = 5
const PARTS = 1 << PARTS_BITS
/** Values from 2^27 on (134 s in microseconds) are counted as the largest. */
const VALUE_BITS = 27
const VALUE_MAX = 2 ** VALUE_BITS - 1
const BUCKETS = (VALUE_BITS - PARTS_BITS + 1) * PARTS

/**
 * How far a percentile may be from the value that was recorded: half of a bucket's width, 1/64 of the
 * value (1.6 %). Values below 32 are exact.
 */
export const RELATIVE_ERROR = 1 / (2 * PARTS)

/** A histogram without its empty buckets: index and count by turns. Plain numbers, for JSON. */
export interface SparseHistogram {
  readonly sum: number
  readonly buckets: readonly number[]
}

/**
 * Counts of whole numbers (microseconds) in buckets that grow with the value, as HDR histograms do:
 * recording is two operations on bits and an addition. Two of them, of whichever processes, add up to
 * exactly what one would have counted.
 */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS)
  #sum = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  get sum(): number {
    return this.#sum
  }

  /** Less than nothing counts as nothing. */
  record(value: number): void {
    const index = indexOf(value)
    // Always inside: `indexOf` has no other answers.
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#sum += value > 0 ? value : 0
    this.#count += 1
  }

  add(other: Histogram): void {
    for (const [index, count] of other.#counts.entries()) {
      if (count > 0) this.#counts[index] = (this.#counts[index] ?? 0) + count
    }
    this.#sum += other.#sum
    this.#count += other.#count
  }

  /** What was recorded since an earlier state of the same. */
  since(before: Histogram | undefined): Histogram {
    const rest = new Histogram()
    const counts = before === undefined ? undefined : before.#counts
    for (const [index, count] of this.#counts.entries()) {
      const more = count - (counts?.[index] ?? 0)
      if (more <= 0) continue
      rest.#counts[index] = more
      rest.#count += more
    }
    rest.#sum = this.#sum - (before?.sum ?? 0)
    return rest
  }

  /** The middle of the bucket of the value that so large a part is at or below; 0 of nothing. */
  percentile(part: number): number {
    const rank = Math.max(1, Math.ceil(part * this.#count))
    let seen = 0
    for (const [index, count] of this.#counts.entries()) {
      seen += count
      if (count > 0 && seen >= rank) return middleOf(index)
    }
    return 0
  }

  /** How many are below a bound, which is one of a bucket: `boundAtLeast` finds it. */
  countBelow(bound: number): number {
    let seen = 0
    const end = bound > VALUE_MAX ? BUCKETS : indexOf(bound)
    for (let index = 0; index < end; index += 1) seen += this.#counts[index] ?? 0
    return seen
  }

  /** Counts below each bound, which rise, in one go. */
  countsBelow(bounds: readonly number[]): number[] {
    const counts: number[] = []
    let [seen, index] = [0, 0]
    for (const bound of bounds) {
      const end = bound > VALUE_MAX ? BUCKETS : indexOf(bound)
      for (; index < end; index += 1) seen += this.#counts[index] ?? 0
      counts.push(seen)
    }
    return counts
  }

  sparse(): SparseHistogram {
    const buckets: number[] = []
    for (const [index, count] of this.#counts.entries()) {
      if (count > 0) buckets.push(index, count)
    }
    return { sum: this.#sum, buckets }
  }

  /** @throws RingfenceError `invalid_argument` for what is none */
  static of({ sum, buckets }: SparseHistogram): Histogram {
    const histogram = new Histogram()
    for (let at = 0; at < buckets.length; at += 2) {
      const [index = -1, count = -1] = [buckets[at], buckets[at + 1]]
      if (!Number.isInteger(index) || index < 0 || index >= BUCKETS || !(count >= 0)) {
        throw new RingfenceError('invalid_argument', 'this is not a histogram')
      }
      histogram.#counts[index] = (histogram.#counts[index] ?? 0) + count
      histogram.#count += count
    }
    histogram.#sum = sum
    return histogram
  }
}

/** The least bound of a bucket that is at least so large: at most 1/32 above. */
export function boundAtLeast(value: number): number {
  const low = lowOf(indexOf(value))
  return low >= value ? low : lowOf(indexOf(value) + 1)
}

function indexOf(value: number): number {
  // NaN too.
  if (!(value >= 1)) return 0
  const whole = value >= VALUE_MAX ? VALUE_MAX : value | 0
  if (whole < PARTS) return whole
  const shift = 31 - PARTS_BITS - Math.clz32(whole)
  return (shift << PARTS_BITS) + (whole >>> shift)
}

/** The least value of a bucket. */
function lowOf(index: number): number {
  if (index < 2 * PARTS) return index
  const shift = (index >>> PARTS_BITS) - 1
  return (index - (shift << PARTS_BITS)) * 2 ** shift
}

function middleOf(index: number): number {
  const width = lowOf(index + 1) - lowOf(index)
  return lowOf(index) + (width - 1) / 2
}
