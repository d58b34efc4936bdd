import type { Value } from './cedar/value.ts'

/**
 * Fields of which most are kept from one request to the next, and some are made when they are asked
 * for: most policies ask for few.
 */
export abstract class OverlaidFields implements ReadonlyMap<string, Value> {
  readonly #kept: ReadonlyMap<string, Value>
  #whole: ReadonlyMap<string, Value> | undefined

  constructor(kept: ReadonlyMap<string, Value>) {
    this.#kept = kept
  }

  /** Names of the request's own fields: they hide kept ones. */
  protected abstract readonly names: readonly string[]

  /** Undefined where the request has no such field. */
  protected abstract make(name: string): Value | undefined

  get(name: string): Value | undefined {
    if (this.names.includes(name)) return this.make(name)
    return this.#kept.get(name)
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  get size(): number {
    return this.#all().size
  }

  keys(): MapIterator<string> {
    return this.#all().keys()
  }

  values(): MapIterator<Value> {
    return this.#all().values()
  }

  entries(): MapIterator<[string, Value]> {
    return this.#all().entries()
  }

  [Symbol.iterator](): MapIterator<[string, Value]> {
    return this.entries()
  }

  forEach(
    look: (value: Value, name: string, fields: ReadonlyMap<string, Value>) => void,
    self?: unknown,
  ): void {
    for (const [name, value] of this.#all()) look.call(self, value, name, this)
  }

  #all(): ReadonlyMap<string, Value> {
    if (this.#whole === undefined) {
      const whole = new Map(this.#kept)
      for (const name of this.names) {
        const value = this.make(name)
        if (value === undefined) whole.delete(name)
        else whole.set(name, value)
      }
      this.#whole = whole
    }
    return this.#whole
  }
}
