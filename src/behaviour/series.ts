/** What is kept of a series besides what it is of. */
export interface KeptSeries {
  /** Which slot is being counted: its beginning divided by the slots' length. */
  readonly slot: number
  readonly count: number
  /** Of the slots before it without a gap, the newest last. */
  readonly values: readonly number[]
}

/** How long a slot is, and how many are remembered. */
export interface SeriesForm {
  readonly slotMs: number
  readonly slots: number
}

/** Counts by slots of time: the one that is under way, and those before it. */
export class Series {
  readonly form: SeriesForm
  #slot: number
  #count: number
  readonly #values: number[]
  #isChanged = false

  constructor(form: SeriesForm, kept: KeptSeries) {
    this.form = form
    this.#slot = kept.slot
    this.#count = kept.count
    this.#values = kept.values.slice(-form.slots)
  }

  static begun(form: SeriesForm, at: number): Series {
    return new Series(form, { slot: Math.floor(at / form.slotMs), count: 0, values: [] })
  }

  get slot(): number {
    return this.#slot
  }

  get count(): number {
    return this.#count
  }

  /** Of the slots before the one that is being counted, the newest last. */
  get values(): readonly number[] {
    return this.#values
  }

  /**
   * Closes the slots before the one of `at`. What was counted is remembered as `most` at most, so that a
   * flood does not become the usual.
   * @returns whether there is another slot now
   */
  turn(at: number, most: () => number): boolean {
    const slot = Math.floor(at / this.form.slotMs)
    const gap = slot - this.#slot
    if (gap <= 0) return false
    this.#values.push(Math.ceil(Math.min(this.#count, most())))
    for (let empty = Math.min(gap - 1, this.form.slots); empty > 0; empty -= 1) this.#values.push(0)
    this.#values.splice(0, this.#values.length - this.form.slots)
    this.#slot = slot
    this.#count = 0
    this.#isChanged = true
    return true
  }

  /** @returns false for what came too late: its slot is closed, and stays as it is */
  add(at: number): boolean {
    if (Math.floor(at / this.form.slotMs) < this.#slot) return false
    this.#count += 1
    this.#isChanged = true
    return true
  }

  /** What is to be kept, if it is something else than the last time. */
  changed(): KeptSeries | undefined {
    if (!this.#isChanged) return undefined
    this.#isChanged = false
    return { slot: this.#slot, count: this.#count, values: [...this.#values] }
  }
}
