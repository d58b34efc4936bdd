import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from './clock.ts'

/** A clock that stands still until it is told how much time has passed. */
export class FakeClock implements Clock {
  #now = 0
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>()

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const sleeper = { until: this.#now + ms, wake: resolve }
      this.#sleepers.add(sleeper)
      signal.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper)
        resolve()
      })
    })
  }

  /** Lets time pass, and everything run that waited for it. */
  async pass(ms: number): Promise<void> {
    this.#now += ms
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.#now) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
    await settle()
  }
}

/** Lets everything run that is waiting for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn()
}
