import { QuotaCount } from './quota-count.ts'
import { RateCount } from './rate-count.ts'
import type { Clock } from './count.ts'
import type { Grant, SharedSpec, SharedStore, Wish } from './shared-store.ts'

/** Where the gateways of one test count together: one process, one clock, and answers when it is told. */
export class MemoryStore implements SharedStore {
  replicas = 1
  away = false
  /** Questions that were put to it. */
  asked = 0
  readonly #clock: Clock
  readonly #counts = new Map<string, RateCount | QuotaCount>()
  readonly #waiting: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async take(key: string, spec: SharedSpec, { need, spare, owed }: Wish): Promise<Grant> {
    this.asked += 1
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.away) throw new Error('away')
    const count = this.#counts.get(key) ?? this.#make(spec)
    this.#counts.set(key, count)
    count.settle(owed)
    const granted = Math.min(need + spare, count.look(1).remaining)
    count.settle(granted)
    const { remaining, resetMs, waitMs } = count.look(1)
    return { granted, remaining, resetMs, waitMs }
  }

  #make(spec: SharedSpec): RateCount | QuotaCount {
    return spec.kind === 'rate'
      ? new RateCount(spec, this.#clock)
      : new QuotaCount(spec, this.#clock)
  }

  /** Answers all that was asked until now. On return whoever asked has acted on it. */
  async answer(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve()
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
  }

  async close(): Promise<void> {
    await this.answer()
  }
}
