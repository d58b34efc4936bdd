import { messageOf, RingfenceError } from '../core/errors.ts'

/** Tells of troubles with the control database and with what is kept of it: of one that goes on, once. */
export class Troubles<Of extends string> {
  readonly #tell: ((error: RingfenceError) => void) | undefined
  readonly #told = new Map<Of, string>()

  constructor(tell: ((error: RingfenceError) => void) | undefined) {
    this.#tell = tell
  }

  /** @param error what has no code is of the database */
  report(of: Of, error: unknown): void {
    const trouble =
      error instanceof RingfenceError
        ? error
        : new RingfenceError('engine_unavailable', 'the control database cannot be reached', {
            detail: messageOf(error),
            cause: error,
          })
    const text = `${trouble.code} ${trouble.message} ${trouble.detail ?? ''}`
    if (text === this.#told.get(of)) return
    this.#told.set(of, text)
    this.#tell?.(trouble)
  }

  /** The next one is told of again. */
  over(of: Of): void {
    this.#told.delete(of)
  }
}
