import type { ServerResponse } from 'node:http'
import type { Revocable } from '../revocation/revocation.ts'
import type { Exchange } from './exchange.ts'
import { revocableOf } from './revocable.ts'

/**
 * The requests that are under way, so that they can be ended when what they stand on is revoked: an
 * answer may take minutes.
 */
export class OpenRequests {
  readonly #open = new Map<ServerResponse, Revocable>()
  readonly #ended = new WeakSet<ServerResponse>()

  /** Until the response is closed. */
  enter({ claimed, onEnd }: Pick<Exchange, 'claimed' | 'onEnd'>, response: ServerResponse): void {
    if (claimed === undefined) return
    this.#open.set(response, revocableOf(claimed))
    onEnd.push(() => this.#open.delete(response))
  }

  /** Cuts off those whose tokens are revoked now. */
  end(isRevoked: (token: Revocable) => boolean): void {
    for (const [response, token] of this.#open) {
      if (!isRevoked(token)) continue
      this.#ended.add(response)
      response.destroy()
    }
  }

  wasEnded(response: ServerResponse): boolean {
    return this.#ended.has(response)
  }
}
