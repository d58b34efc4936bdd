import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { ScimClient } from '../tokens/scim-client.ts'

const WINDOW_SECONDS = 60
/** Entra ID sends at most 25 a second, and asks servers to take as much. */
export const REQUESTS_PER_MINUTE = 3_000

/** Counts what each token asks for, in this process, in windows of a minute. */
export class RequestBudget {
  readonly #limiter: RateLimiterMemory

  constructor(perMinute: number = REQUESTS_PER_MINUTE) {
    this.#limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS })
  }

  /** Undefined, or the seconds to wait. */
  async take({ tenant, id }: ScimClient): Promise<number | undefined> {
    try {
      await this.#limiter.consume(`${tenant}/${id}`)
      return undefined
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error
      return Math.max(1, Math.ceil(error.msBeforeNext / 1000))
    }
  }
}
