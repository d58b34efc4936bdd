/**
 * Does something when it is called, and not more often than once in so many milliseconds: of the calls
 * that come between, one is made up for afterwards.
 */
export class Spaced {
  readonly #act: () => void
  readonly #everyMs: number
  #timer: NodeJS.Timeout | undefined
  #wanted = false

  constructor(act: () => void, everyMs: number) {
    this.#act = act
    this.#everyMs = everyMs
  }

  call(): void {
    if (this.#timer !== undefined) {
      this.#wanted = true
      return
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#wanted) this.call()
    }, this.#everyMs)
    this.#wanted = false
    this.#act()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
