import type { Revocable } from '../revocation/revocation.ts'
import { unauthenticated } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { revocableOf } from './revocable.ts'

/**
 * The requests that are under way, so that they can be ended when what they stand on is revoked: an
 * answer may take minutes.
 */
export class OpenRequests {
  readonly #open = new Map<Revocable, (denial: unknown) => void>()

  /** Rejects when the token is revoked before the exchange has ended, and never resolves. */
  enter({ claimed, onEnd }: Pick<Exchange, 'claimed' | 'onEnd'>): Promise<never> {
    const { promise, reject } = Promise.withResolvers<never>()
    if (claimed !== undefined) {
      const token = revocableOf(claimed)
      this.#open.set(token, reject)
      onEnd.push(() => this.#open.delete(token))
    }
    return promise
  }

  /** Ends those whose tokens are revoked now. */
  end(isRevoked: (token: Revocable) => boolean): void {
    for (const [token, reject] of this.#open) {
      if (isRevoked(token)) reject(unauthenticated('it was revoked meanwhile', true))
    }
  }
}
