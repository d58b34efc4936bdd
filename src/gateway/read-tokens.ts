import { type Scope, SCOPES } from '../core/lease.ts'
import { type ClaimedAccess, claimedAccess } from '../tokens/access-token.ts'
import type { TokenKey } from './token-key.ts'

/** What one token says. */
export interface ReadToken {
  readonly claimed: ClaimedAccess
  /** What of its scopes a context can carry. */
  readonly scopes: readonly Scope[]
  /** For `TokenNote`. */
  readonly notes: unknown[]
}

/**
 * What tokens say, as it was read when they first came: the same text says the same. Whether it is
 * true, and still holds, is asked anew every time.
 */
export class ReadTokens {
  readonly #max: number
  readonly #read = new Map<TokenKey, ReadToken>()

  /** @param max how many are kept; the oldest go first */
  constructor(max: number) {
    this.#max = max
  }

  /** @param key of that token */
  read(token: string, key: TokenKey): ReadToken | undefined {
    const known = this.#read.get(key)
    if (known !== undefined) return known
    const claimed = claimedAccess(token)
    return claimed && { claimed, scopes: scopesIn(claimed), notes: [] }
  }

  /** Only of tokens that were let through: strangers' would push out everybody else's. */
  keep(key: TokenKey, read: ReadToken): void {
    if (this.#read.has(key)) return
    const oldest = this.#read.keys().next()
    if (this.#read.size >= this.#max && !oldest.done) this.#read.delete(oldest.value)
    this.#read.set(key, read)
  }
}

function scopesIn({ scopes }: ClaimedAccess): readonly Scope[] {
  return SCOPES.filter((scope) => scopes.includes(scope))
}
