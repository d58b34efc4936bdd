/** Counts below this are forgotten. */
const COUNT_MIN = 0.25

/**
 * How often each key was asked for lately: an exact form of TinyLFU's sketch (Einziger, Friedman,
 * Manes: TinyLFU, 2017). When `sample` observations have been made, all counts are halved, so that
 * what was popular long ago is forgotten. It holds at most `4 * sample` keys.
 */
export class Demand {
  readonly #sample: number
  readonly #counts = new Map<string, number>()
  #observed = 0

  constructor(sample: number) {
    this.#sample = sample
  }

  note(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    this.#observed += 1
    if (this.#observed >= this.#sample) this.#age()
  }

  of(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  #age(): void {
    this.#observed /= 2
    for (const [key, count] of this.#counts) {
      if (count / 2 < COUNT_MIN) this.#counts.delete(key)
      else this.#counts.set(key, count / 2)
    }
  }
}
