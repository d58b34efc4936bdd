/** So many events a second for each key, with a second's worth at once. Seldom heard keys are forgotten. */
export class EventRate {
  readonly #perSecond: number
  readonly #keys = new Map<string, { left: number; atMs: number }>()

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** @returns 0 when they may come, else in how many seconds to come again */
  take(key: string, events: number, nowMs: number): number {
    const before = this.#keys.get(key) ?? { left: this.#perSecond, atMs: nowMs }
    const gained = (Math.max(0, nowMs - before.atMs) / 1000) * this.#perSecond
    const left = Math.min(this.#perSecond, before.left + gained)
    this.#keys.delete(key)
    const refused = left < Math.min(events, this.#perSecond)
    this.#keys.set(key, { left: refused ? left : left - events, atMs: nowMs })
    return refused ? Math.max(1, Math.ceil((events - left) / this.#perSecond)) : 0
  }
}
