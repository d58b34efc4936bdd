import type { Exchange } from './exchange.ts'

let notes = 0

/**
 * Something that one check writes down with a request for what comes after it. It lies in the exchange
 * itself: a WeakMap would keep every exchange, and all that hangs on it, past the quick collections of
 * garbage, and make each of those take milliseconds.
 */
export class Note<T> {
  readonly #at = notes++

  get({ notes }: Pick<Exchange, 'notes'>): T | undefined {
    // Nobody else has the place of this one.
    return notes[this.#at] as T | undefined
  }

  set({ notes }: Pick<Exchange, 'notes'>, value: T): void {
    notes[this.#at] = value
  }
}

let tokenNotes = 0

/**
 * Something that follows from what a token says and from nothing else, made once and kept as long as
 * the token is remembered. What else it was made of must be in the value, and be compared.
 */
export class TokenNote<T> {
  readonly #at = tokenNotes++

  get({ read }: Pick<Exchange, 'read'>): T | undefined {
    return read?.notes[this.#at] as T | undefined
  }

  set({ read }: Pick<Exchange, 'read'>, value: T): void {
    if (read !== undefined) read.notes[this.#at] = value
  }
}
