import type { SigningKey } from '../tokens/signing-key.ts'
import { signContextNow, type TenantContext } from '../tokens/tenant-context.ts'
import type { TokenKey } from './token-key.ts'

/** A context as it goes upstream. */
export interface SignedContext {
  readonly text: string
  /** The request that it was made for: this one, or one a moment ago. */
  readonly requestId: string
}

/** What a context says, whichever request it is for. */
export type SaidContext = Omit<TenantContext, 'requestId'>

/** Makes the contexts of requests that were let through. */
export interface ContextSigner {
  /** @param token the one that the request came with */
  sign(said: SaidContext, requestId: string, token: TokenKey): SignedContext
}

interface Entry extends SignedContext {
  readonly said: SaidContext
  readonly sinceMs: number
  readonly untilMs: number
}

export interface SignedContextsOptions {
  /** Life of a context. */
  readonly seconds: number
  /** For so long after it was signed a context goes with further requests. 0: each has its own. */
  readonly reuseSeconds: number
  /** Of how many tokens they are kept; the oldest go first. */
  readonly max: number
}

/**
 * Signs, or takes the context that was signed a moment ago for a request by the same token of which
 * everything but the request's own id was the same. A signature costs more than all of the checks
 * together.
 */
export class SignedContexts implements ContextSigner {
  readonly #key: SigningKey
  readonly #options: SignedContextsOptions
  /** By token, which most use for few services. */
  readonly #entries = new Map<TokenKey, Entry[]>()

  constructor(key: SigningKey, options: SignedContextsOptions) {
    this.#key = key
    this.#options = options
  }

  sign(said: SaidContext, requestId: string, token: TokenKey): SignedContext {
    const { seconds, reuseSeconds } = this.#options
    const now = Date.now()
    const kept = this.#entries.get(token)
    if (kept !== undefined) {
      for (const entry of kept) {
        if (isOf(entry, now) && saysTheSame(entry.said, said)) return entry
      }
    }
    const text = signContextNow(this.#key, { ...said, requestId }, seconds)
    // Not all at one time: those of many users that came together would be signed anew together.
    const untilMs = now + reuseSeconds * 1000 * (1 - Math.random() / 4)
    const entry = { text, requestId, said, sinceMs: now, untilMs }
    if (reuseSeconds > 0)
      this.#keep(
        token,
        [...(kept ?? []), entry].filter((one) => isOf(one, now)),
      )
    return entry
  }

  #keep(token: TokenKey, entries: Entry[]): void {
    const oldest = this.#entries.keys().next()
    if (!this.#entries.has(token) && this.#entries.size >= this.#options.max && !oldest.done) {
      this.#entries.delete(oldest.value)
    }
    this.#entries.set(token, entries.slice(-OF_ONE_TOKEN_MAX))
  }
}
const OF_ONE_TOKEN_MAX = 16

/** One from before the clock was set back would come to services as from a time that is yet to come. */
const isOf = ({ sinceMs, untilMs }: Entry, now: number) => sinceMs <= now && now < untilMs

/**
 * Every field counts, whichever there may be one day. What is neither a value nor a list of values is
 * the same only if it is the very same object.
 */
function saysTheSame(one: SaidContext, other: SaidContext): boolean {
  if (one === other) return true
  const names = Object.keys(one) as (keyof SaidContext)[]
  if (names.length !== Object.keys(other).length) return false
  return names.every((name) => isSame(one[name], other[name]))
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false
  return one.every((value, index) => value === other[index])
}
