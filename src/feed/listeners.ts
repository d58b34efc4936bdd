import { RingfenceError } from '../core/errors.ts'

/** Who is told what is new. One that fails keeps it from nobody else. */
export class Listeners<News extends readonly unknown[]> {
  readonly #onFailure: (error: RingfenceError) => void
  readonly #all: ((...news: News) => void)[] = []

  constructor(onFailure: (error: RingfenceError) => void) {
    this.#onFailure = onFailure
  }

  add(listener: (...news: News) => void): void {
    this.#all.push(listener)
  }

  tell(...news: News): void {
    for (const listener of this.#all) {
      try {
        listener(...news)
      } catch (error) {
        this.#onFailure(new RingfenceError('internal', 'a listener failed', { cause: error }))
      }
    }
  }
}
