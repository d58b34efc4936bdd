import { type ClaimedAccess, claimedAccess } from '../tokens/access-token.ts'
import type { TokenKey } from './token-key.ts'

/**
 * What tokens say, as it was read when they first came: the same text says the same. Whether it is
 * true, and still holds, is asked anew every time.
 */
export class ReadTokens {
  readonly #max: number
  readonly #claims = new Map<TokenKey, ClaimedAccess>()

  /** @param max how many are kept; the oldest go first */
  constructor(max: number) {
    this.#max = max
  }

  /** @param key of that token */
  read(token: string, key: TokenKey): ClaimedAccess | undefined {
    return this.#claims.get(key) ?? claimedAccess(token)
  }

  /** Only of tokens that were let through: strangers' would push out everybody else's. */
  keep(key: TokenKey, claimed: ClaimedAccess): void {
    if (this.#claims.has(key)) return
    const oldest = this.#claims.keys().next()
    if (this.#claims.size >= this.#max && !oldest.done) this.#claims.delete(oldest.value)
    this.#claims.set(key, claimed)
  }
}
