import type { Place } from './place.ts'

/** Left empty at the front before the list is made shorter. */
const EMPTY_MAX = 64

/**
 * Places in the order in which they came. A list: what a Set has let go of keeps hold, until the next
 * whole collection of garbage, of all that was ever put into it afterwards.
 */
export class WaitingLine {
  readonly #places: (Place | undefined)[] = []
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): Place | undefined {
    return this.#places[this.#head]
  }

  add(place: Place): void {
    this.#places.push(place)
    this.#size += 1
  }

  delete(place: Place): void {
    const index = this.#places.indexOf(place, this.#head)
    if (index === -1) return
    this.#places[index] = undefined
    this.#size -= 1
    while (this.#head < this.#places.length && this.#places[this.#head] === undefined) {
      this.#head += 1
    }
    if (this.#head > EMPTY_MAX || this.#size === 0) {
      this.#places.splice(0, this.#head)
      this.#head = 0
    }
  }

  /** Those who wait now, even if some leave meanwhile. */
  all(): readonly Place[] {
    return this.#places.filter((place) => place !== undefined)
  }
}
