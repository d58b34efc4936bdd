import { RingfenceError } from '../core/errors.ts'
import type { VerifiedContext as TokenContents } from '../tokens/tenant-context.ts'
import type { TraceContext } from '../http/trace-context.ts'

declare const brand: unique symbol

/**
 * On whose behalf this process works: what a token said that was verified here. Nothing but
 * verification makes one. A copy, a cast or a look-alike of it opens nothing.
 */
export type VerifiedContext = TokenContents & {
  readonly [brand]: true
  /** The trace of the request that it came with, or a new one. */
  readonly trace: TraceContext
}

/** The contexts that one `Ringfence` has verified, with the token of each. */
export class VerifiedContexts {
  /** By the object itself: what looks the same is not the same, and nothing is kept longer than it. */
  readonly #tokens = new WeakMap<object, string>()

  /** For whoever has just verified the token. */
  enter(contents: TokenContents, token: string, trace: TraceContext): VerifiedContext {
    const context = frozen({ ...structuredClone(contents), trace }) as VerifiedContext
    this.#tokens.set(context, token)
    return context
  }

  /** @throws RingfenceError `invalid_token` for what was not verified here, or has expired since */
  tokenOf(context: VerifiedContext): string {
    const token = this.pastTokenOf(context)
    if (context.expiresAt.getTime() <= Date.now()) {
      throw new RingfenceError('invalid_token', 'the tenant context has expired')
    }
    return token
  }

  /**
   * Also of one that has expired: it opens nothing any more, and says in whose name something was done.
   * @throws RingfenceError `invalid_token` for what was not verified here
   */
  pastTokenOf(context: VerifiedContext): string {
    const token = this.#tokens.get(context)
    if (token === undefined) {
      throw new RingfenceError('invalid_token', 'a tenant context comes from verification alone')
    }
    return token
  }
}

/** The same object, which nobody changes any more. */
function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) frozen(part as object)
  }
  return Object.freeze(value)
}
