import type pg from 'pg'
import { RingfenceError } from '../core/errors.ts'
import { taggedQuery } from './sql-tag.ts'

type Listener = (...args: unknown[]) => unknown

const SUBSCRIBES = new Set<PropertyKey>([
  'on',
  'once',
  'addListener',
  'prependListener',
  'prependOnceListener',
])
const LIFE = new Set<PropertyKey>(['connect', 'end'])

/**
 * A session for as long as it is lent: the same `pg` client, but whoever keeps it gets an error at
 * every later use instead of a session that somebody else works with by then. Listeners that the
 * borrower added go with it, and its life stays the pool's: `end` and `connect` are refused.
 */
export class Loan {
  readonly db: pg.ClientBase
  readonly #client: pg.ClientBase
  readonly #tag: string
  readonly #listeners: (readonly [string, Listener])[] = []
  readonly #methods = new Map<PropertyKey, unknown>()
  #over = false

  /** @param tag comes before each statement that is not prepared under a name */
  constructor(client: pg.ClientBase, tag = '') {
    this.#client = client
    this.#tag = tag
    this.db = new Proxy(client, {
      get: (_, name) => this.#get(name),
      set: () => {
        throw new RingfenceError('invalid_argument', 'a borrowed database session is not changed')
      },
    })
  }

  end(): void {
    this.#over = true
    for (const [event, listener] of this.#listeners) this.#client.removeListener(event, listener)
  }

  #get(name: PropertyKey): unknown {
    this.#checkLent()
    const known = this.#methods.get(name)
    if (known !== undefined) return known
    const value: unknown = Reflect.get(this.#client, name)
    if (typeof value !== 'function' || name === 'constructor') return value
    const method = this.#method(name, value as Listener)
    this.#methods.set(name, method)
    return method
  }

  /** At every call as well: a method may have been kept without its session. */
  #checkLent(): void {
    if (!this.#over) return
    throw new RingfenceError(
      'invalid_argument',
      'a database session was used after it had been given back',
    )
  }

  #method(name: PropertyKey, method: Listener): unknown {
    if (LIFE.has(name)) {
      return () => {
        throw new RingfenceError('invalid_argument', 'the pool opens and ends its sessions itself')
      }
    }
    if (!SUBSCRIBES.has(name)) {
      return (...args: unknown[]): unknown => {
        this.#checkLent()
        const said = name === 'query' ? taggedQuery(this.#tag, args) : args
        return Reflect.apply(method, this.#client, said)
      }
    }
    return (event: string, listener: Listener) => {
      this.#checkLent()
      this.#listeners.push([event, listener])
      Reflect.apply(method, this.#client, [event, listener])
      return this.db
    }
  }
}
