import { RingfenceError } from '../core/errors.ts'

/** Seconds for which an interrupted run waits for the call under way before it cleans up. */
const GRACE_SECONDS = 5

export interface CallLimits {
  readonly secondsMax: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Awaits `start()` for at most `secondsMax`, and after an abort for a few seconds at most. A value
 * that arrives later goes to `late`, so that nothing that was opened is lost.
 * @throws RingfenceError `timed_out` when it takes longer, `void_run` when the run is interrupted
 */
export async function boundedCall<T>(
  what: string,
  limits: CallLimits,
  start: () => Promise<T>,
  late: (value: T) => void = () => undefined,
): Promise<T> {
  requireRunning(limits.signal)
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  let open = true
  let grace: NodeJS.Timeout | undefined
  const giveUp = (error: RingfenceError) => {
    open = false
    reject(error)
  }
  const overrun = setTimeout(
    () =>
      giveUp(
        new RingfenceError('timed_out', `${what} took longer than ${limits.secondsMax} seconds`),
      ),
    limits.secondsMax * 1000,
  )
  const onAbort = () => {
    grace = setTimeout(() => giveUp(interrupted()), GRACE_SECONDS * 1000)
  }
  limits.signal?.addEventListener('abort', onAbort, { once: true })
  start().then((value) => (open ? resolve(value) : late(value)), reject)
  try {
    return await promise
  } finally {
    clearTimeout(overrun)
    clearTimeout(grace)
    limits.signal?.removeEventListener('abort', onAbort)
  }
}

/** @throws RingfenceError `void_run` once the run is interrupted */
export function requireRunning(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw interrupted()
}

function interrupted(): RingfenceError {
  return new RingfenceError(
    'void_run',
    'the proof was interrupted before its end; it shows nothing',
  )
}
