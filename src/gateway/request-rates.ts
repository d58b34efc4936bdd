import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { TenantId } from '../core/tenant.ts'
import type { PlanConfig } from '../snapshot/snapshot.ts'
import type { Headers } from './headers.ts'

const WINDOW_SECONDS = 60

export interface Rate {
  readonly allowed: boolean
  /** RateLimit and RateLimit-Policy of draft-ietf-httpapi-ratelimit-headers, and Retry-After. */
  readonly headers: Headers
}

/** Counts each tenant's requests in this process, in windows of a minute. */
export class RequestRates {
  readonly #limiters = new Map<number, RateLimiterMemory>()

  async count(tenant: TenantId, plan: PlanConfig): Promise<Rate> {
    const points = plan.requestsPerMinute
    const limiter = this.#limiters.get(points) ?? this.#add(points)
    const result = await limiter.consume(tenant).catch((error: unknown) => {
      if (error instanceof RateLimiterRes) return error
      throw error
    })
    const seconds = Math.ceil(result.msBeforeNext / 1000)
    const allowed = result.consumedPoints <= points
    const headers: [string, string][] = [
      ['ratelimit-policy', `"${plan.name}";q=${points};w=${WINDOW_SECONDS}`],
      ['ratelimit', `"${plan.name}";r=${result.remainingPoints};t=${seconds}`],
    ]
    if (!allowed) headers.push(['retry-after', String(Math.max(1, seconds))])
    return { allowed, headers }
  }

  #add(points: number): RateLimiterMemory {
    const limiter = new RateLimiterMemory({ points, duration: WINDOW_SECONDS })
    this.#limiters.set(points, limiter)
    return limiter
  }
}
