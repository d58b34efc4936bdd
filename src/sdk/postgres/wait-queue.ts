/** A request that waits for a connection. Exactly one of its callbacks is called. */
export interface Waiter<K, C> {
  readonly key: K
  /** Milliseconds since 1970. */
  readonly since: number
  /** Logins that were begun because of it. */
  attempts: number
  readonly resolve: (connection: C) => void
  readonly reject: (error: unknown) => void
}

/** Requests that wait, by age, over all keys and for each key. */
export class WaitQueue<K, C> {
  readonly #all = new Set<Waiter<K, C>>()
  readonly #byKey = new Map<K, Set<Waiter<K, C>>>()

  get size(): number {
    return this.#all.size
  }

  add(waiter: Waiter<K, C>): void {
    this.#all.add(waiter)
    const same = this.#byKey.get(waiter.key) ?? new Set()
    same.add(waiter)
    this.#byKey.set(waiter.key, same)
  }

  /** False when it waits no longer. */
  remove(waiter: Waiter<K, C>): boolean {
    const same = this.#byKey.get(waiter.key)
    same?.delete(waiter)
    if (same?.size === 0) this.#byKey.delete(waiter.key)
    return this.#all.delete(waiter)
  }

  oldest(): Waiter<K, C> | undefined {
    return this.#all.values().next().value
  }

  oldestOf(key: K): Waiter<K, C> | undefined {
    return this.#byKey.get(key)?.values().next().value
  }

  countOf(key: K): number {
    return this.#byKey.get(key)?.size ?? 0
  }

  keys(): IteratorObject<K> {
    return this.#byKey.keys()
  }

  /** Oldest first. */
  [Symbol.iterator](): IterableIterator<Waiter<K, C>> {
    return this.#all.values()
  }
}
