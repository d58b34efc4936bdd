/** Remembers ids for a while: between so many and twice as many of the last. */
export class RecentIds {
  readonly #most: number
  #newer = new Set<string>()
  #older = new Set<string>()

  constructor(most: number) {
    this.#most = most
  }

  /** @returns whether it is new */
  add(id: string): boolean {
    if (this.#newer.has(id) || this.#older.has(id)) return false
    this.#newer.add(id)
    if (this.#newer.size >= this.#most) {
      this.#older = this.#newer
      this.#newer = new Set()
    }
    return true
  }
}
