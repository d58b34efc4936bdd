import type { SigningKey } from '../tokens/signing-key.ts'
import { signContextNow, type TenantContext } from '../tokens/tenant-context.ts'
import type { TokenKey } from './token-key.ts'

/** A context as it goes upstream. */
export interface SignedContext {
  readonly text: string
  /** The request that it was made for: this one, or one a moment ago. */
  readonly requestId: string
}

/** Makes the contexts of requests that were let through. */
export interface ContextSigner {
  /** @param token the one that the request came with */
  sign(context: TenantContext, token: TokenKey): SignedContext
}

interface Entry extends SignedContext {
  readonly said: readonly (readonly [name: string, value: unknown])[]
  readonly untilMs: number
}

export interface SignedContextsOptions {
  /** Life of a context. */
  readonly seconds: number
  /** For so long after it was signed a context goes with further requests. 0: each has its own. */
  readonly reuseSeconds: number
  /** How many are kept; the oldest go first. */
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
  readonly #entries = new Map<string, Entry>()

  constructor(key: SigningKey, options: SignedContextsOptions) {
    this.#key = key
    this.#options = options
  }

  sign(context: TenantContext, token: TokenKey): SignedContext {
    const { seconds, reuseSeconds, max } = this.#options
    const now = Date.now()
    const key = `${token} ${context.tenant} ${context.service}`
    const said = Object.entries(context)
    const known = this.#entries.get(key)
    if (known !== undefined && known.untilMs > now && saysTheSame(known.said, said)) return known
    const text = signContextNow(this.#key, context, seconds)
    const untilMs = now + reuseSeconds * 1000
    const entry = { text, requestId: context.requestId, said, untilMs }
    if (reuseSeconds > 0) {
      const oldest = this.#entries.keys().next()
      if (known === undefined && this.#entries.size >= max && !oldest.done) {
        this.#entries.delete(oldest.value)
      }
      this.#entries.set(key, entry)
    }
    return entry
  }
}

/**
 * Every field counts, whichever there may be one day. What is neither a value nor a list of values is
 * the same only if it is the very same object.
 */
function saysTheSame(one: Entry['said'], other: Entry['said']): boolean {
  if (one.length !== other.length) return false
  return one.every(([name, value], index) => {
    const [otherName, otherValue] = other[index] ?? []
    return name === otherName && (name === 'requestId' || isSame(value, otherValue))
  })
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false
  return one.every((value, index) => value === other[index])
}
