import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

/** One limit, as it stands after a request was counted. */
export interface LimitState {
  readonly name: string
  /** Requests a minute. */
  readonly limit: number
  readonly remaining: number
  /** Seconds until the minute is over. */
  readonly resetSeconds: number
  readonly exceeded: boolean
}

const SECONDS = 60

/** Counts by the minute, in memory. Each plan's number has counters of its own. */
export class Limits {
  readonly #limiters = new Map<number, RateLimiterMemory>()

  /** Counts one request of `key`. */
  async take(name: string, key: string, perMinute: number): Promise<LimitState> {
    const limiter = this.#limiterFor(perMinute)
    const result = await limiter.consume(`${name}:${key}`).catch((thrown: unknown) => {
      // The library rejects with the state of the counter, and with nothing else from memory.
      if (thrown instanceof RateLimiterRes) return thrown
      throw thrown
    })
    return {
      name,
      limit: perMinute,
      remaining: Math.max(0, perMinute - result.consumedPoints),
      resetSeconds: Math.max(1, Math.ceil(result.msBeforeNext / 1000)),
      exceeded: result.consumedPoints > perMinute,
    }
  }

  #limiterFor(perMinute: number): RateLimiterMemory {
    const limiter =
      this.#limiters.get(perMinute) ??
      new RateLimiterMemory({ points: perMinute, duration: SECONDS, keyPrefix: '' })
    this.#limiters.set(perMinute, limiter)
    return limiter
  }
}

/** The header fields of draft-ietf-httpapi-ratelimit-headers. */
export function limitHeaders(states: readonly LimitState[]): Record<string, string> {
  if (states.length === 0) return {}
  return {
    'ratelimit-policy': states
      .map(({ name, limit }) => `"${name}";q=${limit};w=${SECONDS}`)
      .join(', '),
    ratelimit: states
      .map(({ name, remaining, resetSeconds }) => `"${name}";r=${remaining};t=${resetSeconds}`)
      .join(', '),
  }
}
