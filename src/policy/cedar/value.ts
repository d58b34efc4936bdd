import type { Decimal } from './decimal.ts'
import type { DateTime, Duration } from './date-time.ts'
import type { IpRange } from './ip-range.ts'

/**
 * Cedar's values. A Long is a number where that is exact, and a bigint beyond, so that one Long has
 * one form and `===` compares them.
 */
export type Value =
  | boolean
  | number
  | bigint
  | string
  | EntityRef
  | CedarSet
  | CedarRecord
  | IpRange
  | Decimal
  | DateTime
  | Duration

export const LONG_MAX = 2n ** 63n - 1n
export const LONG_MIN = -(2n ** 63n)

/** A Long in its one form; undefined when it is none. */
export function long(value: bigint): number | bigint | undefined {
  if (value > LONG_MAX || value < LONG_MIN) return undefined
  const small = Number(value)
  return Number.isSafeInteger(small) ? small : value
}

export const isLong = (value: Value): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint'

/** The name of an entity, whether or not there is one. */
export class EntityRef {
  readonly type: string
  readonly id: string
  /** No two names share one: a type has no quote in it. */
  readonly key: string

  constructor(type: string, id: string) {
    this.type = type
    this.id = id
    this.key = `${type}::"${id}"`
  }
}

export class CedarRecord {
  readonly fields: ReadonlyMap<string, Value>

  constructor(fields: ReadonlyMap<string, Value>) {
    this.fields = fields
  }
}

export class CedarSet {
  /** Each once. */
  readonly items: readonly Value[]
  #keys: ReadonlySet<string> | undefined

  constructor(items: readonly Value[]) {
    const byKey = new Map(items.map((item) => [keyOf(item), item]))
    this.items = [...byKey.values()]
    if (items.length > 0) this.#keys = new Set(byKey.keys())
  }

  get keys(): ReadonlySet<string> {
    this.#keys ??= new Set()
    return this.#keys
  }

  has(value: Value): boolean {
    return this.keys.has(keyOf(value))
  }
}

/** What two values share exactly when Cedar calls them equal. */
export function keyOf(value: Value): string {
  switch (typeof value) {
    case 'boolean':
      return value ? 't' : 'f'
    case 'number':
    case 'bigint':
      return String(value)
    case 'string':
      return `"${value}`
    default:
      return keyOfObject(value)
  }
}

function keyOfObject(value: Exclude<Value, boolean | number | bigint | string>): string {
  if (value instanceof EntityRef) return `e${value.key}`
  // As JSON, so that no text in it can end the text before it.
  if (value instanceof CedarSet) return `s${JSON.stringify([...value.keys].toSorted())}`
  if (value instanceof CedarRecord) {
    const pairs = [...value.fields].map(([name, field]) => JSON.stringify([name, keyOf(field)]))
    return `r[${pairs.toSorted().join()}]`
  }
  return `x${value.key}`
}

export function equal(left: Value, right: Value): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object') return false
  if (left instanceof EntityRef) return right instanceof EntityRef && left.key === right.key
  return keyOf(left) === keyOf(right)
}
