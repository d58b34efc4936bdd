import { createHash } from 'node:crypto'
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'

const PER_MINUTE_DEFAULT = 20
const WINDOW_SECONDS = 60
/** Tokens that were good lately and are let through whatever their neighbours do. */
const GOOD_MAX = 1000

/**
 * Counts failed authentications by address and stops an address that makes too many of them. Several
 * callers may share an address (a proxy): one that showed a good token lately is not stopped by what
 * the others do. It is still authenticated, so that a revoked token gets nothing from this.
 */
export class FailedAuthentications {
  readonly #limiter: RateLimiterMemory
  readonly #perMinute: number
  readonly #addressOf: (context: Context) => string
  readonly #good = new Set<string>()

  constructor(
    perMinute: number = PER_MINUTE_DEFAULT,
    addressOf: (context: Context) => string = connectionAddress,
  ) {
    this.#perMinute = perMinute
    this.#addressOf = addressOf
    this.#limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS })
  }

  /** Where the caller is, as far as failures are counted by it. */
  address(context: Context): string {
    return this.#addressOf(context)
  }

  /** Seconds to wait when this caller has to; undefined when it may try. */
  async mustWait(context: Context, token: string): Promise<number | undefined> {
    if (this.#good.has(digest(token))) return undefined
    const state = await this.#limiter.get(this.#addressOf(context))
    if (state === null || state.consumedPoints < this.#perMinute) return undefined
    return secondsOf(state)
  }

  /** Enters a failure. The headers tell how much is left (draft-ietf-httpapi-ratelimit-headers). */
  async enter(context: Context): Promise<Readonly<Record<string, string>>> {
    const state = await this.#limiter.penalty(this.#addressOf(context))
    return this.#headers(Math.max(this.#perMinute - state.consumedPoints, 0), secondsOf(state))
  }

  forgive(token: string): void {
    const key = digest(token)
    this.#good.delete(key)
    this.#good.add(key)
    if (this.#good.size <= GOOD_MAX) return
    const [oldest] = this.#good
    if (oldest !== undefined) this.#good.delete(oldest)
  }

  /** For an answer to a caller that has to wait. */
  waitHeaders(seconds: number): Readonly<Record<string, string>> {
    return { 'retry-after': String(seconds), ...this.#headers(0, seconds) }
  }

  #headers(remaining: number, seconds: number): Readonly<Record<string, string>> {
    return {
      'ratelimit-policy': `"failed-authentications";q=${this.#perMinute};w=${WINDOW_SECONDS}`,
      ratelimit: `"failed-authentications";r=${remaining};t=${seconds}`,
    }
  }
}

function secondsOf(state: RateLimiterRes): number {
  return Math.max(Math.ceil(state.msBeforeNext / 1000), 1)
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}

/** All callers on a unix socket are one: only our own user can open it. */
function connectionAddress(context: Context): string {
  if (!isServed(context.env)) return 'local'
  return getConnInfo(context).remote.address ?? 'local'
}

function isServed(environment: unknown): boolean {
  return typeof environment === 'object' && environment !== null && 'incoming' in environment
}
