/** Requests until a moment, from some beginning on. */
export interface Counted {
  readonly total: number
  readonly bad: number
}

interface Sample extends Counted {
  readonly at: number
}

/** Older than this a sample is kept about every hour only. Longer than the longest window that pages. */
const FINE_MS = 7 * 3_600_000
const FINE_STEP_MS = 60_000
const COARSE_STEP_MS = 3_600_000

/**
 * How counters rose: samples close to one another for some hours, and one an hour before that. A counter
 * that begins again counts from nothing: what it had counted is not lost and not taken back.
 */
export class CountSeries {
  readonly #keepMs: number
  #samples: Sample[] = []
  #raw: Counted = { total: 0, bad: 0 }
  #sum: Counted = { total: 0, bad: 0 }

  /** @param keepMs how far back it may be asked */
  constructor(keepMs: number) {
    this.#keepMs = keepMs
  }

  /** What the counters say now. Times rise; one that does not is passed over. */
  add(at: number, { total, bad }: Counted): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && at <= last.at) return
    const isFirst = last === undefined
    const rose = (now: number, before: number) => (now >= before ? now - before : now)
    // What had been counted before anybody looked belongs to no window.
    if (!isFirst) {
      const more = rose(total, this.#raw.total)
      this.#sum = {
        total: this.#sum.total + more,
        bad: this.#sum.bad + Math.min(more, rose(bad, this.#raw.bad)),
      }
    }
    this.#raw = { total, bad }
    const tail = this.#samples.at(-2)
    // The newest moves along until it is a step away from the one before it, or until something rises.
    const isIdle = tail?.total === this.#sum.total && tail.bad === this.#sum.bad
    if (tail !== undefined && last !== undefined && (isIdle || last.at - tail.at < FINE_STEP_MS)) {
      this.#samples.pop()
    }
    this.#samples.push({ at, ...this.#sum })
    this.#thin(at)
  }

  /** What rose in the time before a moment. Less, when it has not been watched for so long. */
  within(now: number, milliseconds: number): Counted {
    const from = this.#at(now - milliseconds)
    const to = this.#at(now)
    return { total: to.total - from.total, bad: to.bad - from.bad }
  }

  get length(): number {
    return this.#samples.length
  }

  /** The last sample at or before a moment; the first one when there is none. */
  #at(time: number): Counted {
    let [low, high] = [0, this.#samples.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      const sample = this.#samples[middle]
      if (sample !== undefined && sample.at <= time) low = middle
      else high = middle - 1
    }
    return this.#samples[low] ?? { total: 0, bad: 0 }
  }

  #thin(now: number): void {
    const first = this.#samples[1]
    if (first !== undefined && first.at < now - this.#keepMs) this.#samples.shift()
    // One in each hour stays of what has just become old.
    const index = this.#samples.findIndex(({ at }) => at >= now - FINE_MS) - 1
    const [before, old, next] = [
      this.#samples[index - 1],
      this.#samples[index],
      this.#samples[index + 1],
    ]
    if (index < 1 || before === undefined || old === undefined || next === undefined) return
    const sameHour = Math.floor(before.at / COARSE_STEP_MS) === Math.floor(old.at / COARSE_STEP_MS)
    if (sameHour) this.#samples.splice(index, 1)
  }
}
