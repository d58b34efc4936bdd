/** How many different things were seen in a while. It keeps no more of them than it takes to tell. */
export class DistinctWindow {
  readonly #seen = new Map<string, number>()

  /** @returns how many there were in the window, when that is too many; then it begins anew */
  add(what: string, at: number, moreThan: number, milliseconds: number): number | undefined {
    const seen = this.#seen
    const newest = Math.max(at, ...seen.values())
    seen.set(what, Math.max(at, seen.get(what) ?? 0))
    for (const [one, time] of seen) {
      if (newest - time > milliseconds) seen.delete(one)
    }
    if (seen.size <= moreThan) return undefined
    const count = seen.size
    seen.clear()
    return count
  }
}
