import { setTimeout as sleep } from 'node:timers/promises'
import { RingfenceError } from '../core/errors.ts'

const PAUSE_MS_FIRST = 50
/** Short: a request waits for this, and what it waits for (a move's write pause) is mostly over soon. */
const PAUSE_MS_MAX = 250

/** A refusal that may be over soon. */
export class TryLater extends Error {
  /** What the caller gets when there is no time left. */
  readonly refusal: RingfenceError
  /** The least wait that was asked for. Milliseconds. */
  readonly waitMs: number

  constructor(refusal: RingfenceError, waitMs = 0) {
    super(refusal.message)
    this.refusal = refusal
    this.waitMs = waitMs
  }
}

/**
 * Repeats what ends in `TryLater`, after pauses that grow and are random (so that many who were
 * refused together do not come back together), and never sooner than was asked for.
 * @throws the refusal when the next try would begin after the deadline; and what `once` throws
 */
export async function retrying<T>(
  deadlineMs: number,
  signal: AbortSignal,
  once: (leftMs: number) => Promise<T>,
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await once(Math.max(1, end - performance.now()))
    } catch (error) {
      if (!(error instanceof TryLater)) throw error
      const ceiling = Math.min(PAUSE_MS_MAX, PAUSE_MS_FIRST * 2 ** attempt)
      const pause = error.waitMs + Math.random() * ceiling
      if (performance.now() + pause >= end) throw error.refusal
      await sleep(pause, undefined, { signal }).catch(() => {
        throw closed()
      })
    }
  }
}

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3); 0 for anything else. */
export function retryAfterMs(value: string | string[] | undefined): number {
  if (typeof value !== 'string') return 0
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1_000
  const at = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? 0 : Math.max(0, at - Date.now())
}

export function closed(): RingfenceError {
  return new RingfenceError('engine_unavailable', 'this process is closing')
}
