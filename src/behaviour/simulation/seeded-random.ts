/** The same numbers for the same seed, on every machine: for what is to be told with its figures. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to 1, and never 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.next()
  }

  /** A whole number from 0 up to and without `count`. */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()))
    return radius * Math.cos(2 * Math.PI * this.next())
  }

  /** How often something happens that is expected so often. */
  poisson(expected: number): number {
    if (expected <= 0) return 0
    if (expected > 50)
      return Math.max(0, Math.round(expected + this.normal() * Math.sqrt(expected)))
    const end = Math.exp(-expected)
    let count = 0
    for (let product = this.next(); product > end; product *= this.next()) count += 1
    return count
  }

  /** A UUID, of version 4 by its form. */
  uuid(): string {
    const hex = Array.from({ length: 8 }, () => this.below(0x10000).toString(16).padStart(4, '0'))
    const [a, b, c, d = '', e = '', f, g, h] = hex
    return `${a}${b}-${c}-4${d.slice(1)}-8${e.slice(1)}-${f}${g}${h}`
  }
}
