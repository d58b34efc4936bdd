import { nextArrivalMs } from './random.ts'

/** Node's timers fire up to a millisecond late; that is the measuring program's, not the system's. */
const TIMER_GRAIN_MS = 1.5

export interface OpenLoopOptions {
  readonly perSecond: number
  readonly seconds: number
  readonly random: () => number
  /** One request. It is not waited for before the next begins. */
  readonly request: () => Promise<void>
}

export interface OpenLoopResult {
  /** Milliseconds from when a request should have begun to its end, of those that succeeded. */
  readonly latencies: readonly number[]
  readonly failures: readonly unknown[]
}

/**
 * Requests at random moments, however long earlier ones take: a slow system meets the same load as a
 * fast one, and the time that a request waits to begin counts.
 */
export async function openLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const latencies: number[] = []
  const failures: unknown[] = []
  const running = new Set<Promise<void>>()
  const began = performance.now()
  const end = began + options.seconds * 1000
  for (let due = began; due < end; due += nextArrivalMs(options.perSecond, options.random)) {
    const wait = due - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const dueAt = Math.max(due, performance.now() - TIMER_GRAIN_MS)
    const one = options.request().then(
      () => {
        latencies.push(performance.now() - dueAt)
      },
      (error: unknown) => {
        failures.push(error)
      },
    )
    const tracked = one.finally(() => running.delete(tracked))
    running.add(tracked)
  }
  await Promise.all(running)
  return { latencies, failures }
}
