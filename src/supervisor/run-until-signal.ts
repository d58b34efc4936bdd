import { setTimeout as sleep } from 'node:timers/promises'
import type { Supervisor } from './supervisor.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface Ended<T> {
  /** The signal that ended it; undefined when `work` came to its end. */
  readonly signal: NodeJS.Signals | undefined
  readonly value: T | undefined
}

/** How long work may go on after a signal, to clean up while its units still run. */
const WORK_WITHIN_MS = 5_000

/**
 * Starts the supervisor, then runs `work` (default: waits), and stops everything in order when the
 * work is done or fails, or at the first SIGINT, SIGTERM or SIGHUP, which also aborts the work's
 * signal. A second signal ends everything at once. Throws what a first start or the work throws.
 */
export async function runUntilSignal<T = undefined>(
  supervisor: Pick<Supervisor, 'start' | 'stop' | 'kill'>,
  work?: (signal: AbortSignal) => Promise<T>,
): Promise<Ended<T>> {
  const asked = new AbortController()
  let received: NodeJS.Signals | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    if (received !== undefined) supervisor.kill()
    received ??= signal
    asked.abort()
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  const signalled = new Promise<undefined>((resolve) => {
    asked.signal.addEventListener('abort', () => resolve(undefined))
  })
  // Waiting for a signal alone does not keep a process alive.
  const alive = setInterval(() => undefined, 60_000)
  try {
    await Promise.race([supervisor.start(), signalled])
    if (work === undefined || asked.signal.aborted) {
      await signalled
      return { signal: received, value: undefined }
    }
    const tooLate = signalled.then(() => sleep(WORK_WITHIN_MS, undefined, { ref: false }))
    const value = await Promise.race([work(asked.signal), tooLate])
    return { signal: received, value }
  } finally {
    await supervisor.stop()
    clearInterval(alive)
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
}
