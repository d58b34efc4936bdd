/**
 * Whether something happened more than so often in so long, by the times at which it happened: they may
 * come out of order. It keeps no more times than it takes to tell.
 */
export class RateWindow {
  readonly #times: number[] = []

  /**
   * @param at milliseconds since 1970
   * @returns how often it happened in the window, when that is too often; then it begins anew
   */
  add(at: number, moreThan: number, milliseconds: number): number | undefined {
    const times = this.#times
    let place = times.length
    while (place > 0 && (times[place - 1] ?? 0) > at) place -= 1
    times.splice(place, 0, at)
    if (times.length > moreThan + 1) times.shift()
    const [first = at] = times
    const last = times.at(-1) ?? at
    if (times.length <= moreThan || last - first > milliseconds) return undefined
    const count = times.length
    times.length = 0
    return count
  }
}
