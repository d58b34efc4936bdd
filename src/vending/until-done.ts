import { setTimeout as sleep } from 'node:timers/promises'
import { FairGate } from './fair-gate.ts'

const PAUSE_MS_FIRST = 50
const PAUSE_MS_MAX = 5_000
const AT_ONCE_PER_LANE = 16

/**
 * Work that must be done in the end: each piece is tried again, after growing pauses, until it is.
 * It goes by lanes (cells), so that one that does not answer holds up no other.
 */
export class UntilDone {
  readonly #onFailure: (what: string, error: unknown) => void
  readonly #under = new Set<Promise<void>>()
  readonly #lanes = new Map<string, FairGate>()
  readonly #stopped = new AbortController()

  constructor(onFailure: (what: string, error: unknown) => void) {
    this.#onFailure = onFailure
  }

  run(lane: string, what: string, work: () => Promise<void>): void {
    const gate =
      this.#lanes.get(lane) ?? new FairGate({ atOnce: AT_ONCE_PER_LANE, waitingPerKey: Infinity })
    this.#lanes.set(lane, gate)
    const done = this.#run(what, () => gate.run(what, work)).finally(() => this.#under.delete(done))
    this.#under.add(done)
  }

  /** Waits until nothing is left. */
  async settled(): Promise<void> {
    while (this.#under.size > 0) await Promise.all(this.#under)
  }

  /** Waits for the tries under way, and makes no more. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.settled()
  }

  async #run(what: string, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopped
    for (let pause = PAUSE_MS_FIRST; ; pause = Math.min(2 * pause, PAUSE_MS_MAX)) {
      try {
        await work()
        return
      } catch (error) {
        this.#onFailure(what, error)
      }
      await sleep(pause * (0.5 + Math.random()), undefined, { signal }).catch(() => {})
      if (signal.aborted) return
    }
  }
}
