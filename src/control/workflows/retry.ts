import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, RingfenceError } from '../../core/errors.ts'

/** How often and how fast a step tries again what another plane could not do just now. */
export interface RetryPolicy {
  readonly tries: number
  /** Milliseconds before the second try; doubled for each one after. */
  readonly firstMs: number
  readonly longestMs: number
}

export const RETRY_DEFAULT: RetryPolicy = { tries: 7, firstMs: 200, longestMs: 10_000 }

/** What may be different in a moment. */
const TRANSIENT: ReadonlySet<ErrorCode> = new Set(['engine_unavailable', 'timed_out', 'overloaded'])

export function isTransient(error: unknown): boolean {
  return error instanceof RingfenceError && TRANSIENT.has(error.code)
}

/**
 * Repeats `work` while it fails for a transient reason, with growing pauses of which a random half is
 * left out, so that many who wait for one plane do not come back at once.
 * @param onRetry told the error before each pause
 * @throws the last error
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  work: () => Promise<T>,
  onRetry: (error: unknown) => Promise<void> = async () => {},
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isTransient(error) || attempt >= policy.tries) throw error
      await onRetry(error)
      const pause = Math.min(policy.longestMs, policy.firstMs * 2 ** (attempt - 1))
      await sleep(pause * (0.5 + Math.random() / 2))
    }
  }
}
