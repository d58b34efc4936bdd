import type { Revocable } from '../revocation/revocation.ts'
import { type Denial, unauthenticated } from './denial.ts'

/**
 * The requests that are under way, so that they can be ended when what they stand on is revoked: an
 * answer may take minutes.
 */
export class OpenRequests {
  readonly #open = new Map<
    object,
    { readonly token: Revocable; readonly end: (denial: Denial) => void }
  >()

  /** @param end called once if the token is revoked before `leave` */
  enter(request: object, token: Revocable, end: (denial: Denial) => void): void {
    this.#open.set(request, { token, end })
  }

  leave(request: object): void {
    this.#open.delete(request)
  }

  /** Ends those whose tokens are revoked now. */
  end(isRevoked: (token: Revocable) => boolean): void {
    for (const [request, { token, end }] of this.#open) {
      if (!isRevoked(token)) continue
      this.#open.delete(request)
      end(unauthenticated('it was revoked meanwhile', true))
    }
  }
}
