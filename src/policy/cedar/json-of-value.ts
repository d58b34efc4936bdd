import { DateTime, Duration } from './date-time.ts'
import { Decimal } from './decimal.ts'
import { IpRange } from './ip-range.ts'
import { CedarRecord, CedarSet, EntityRef, type Value } from './value.ts'

/**
 * A value in Cedar's JSON form, as `valueOfJson` reads it.
 * @throws TypeError for a Long that JSON cannot carry exactly: no request has one
 */
export function jsonOfValue(value: Value): unknown {
  if (typeof value === 'bigint') throw new TypeError('too large for JSON')
  if (typeof value !== 'object') return value
  if (value instanceof EntityRef) return { __entity: nameOf(value) }
  if (value instanceof CedarSet) return value.items.map(jsonOfValue)
  if (value instanceof CedarRecord) return jsonOfFields(value.fields)
  const [fn, arg] = textOf(value)
  return { __extn: { fn, arg } }
}

export function jsonOfFields(fields: ReadonlyMap<string, Value>): Record<string, unknown> {
  return Object.fromEntries([...fields].map(([name, value]) => [name, jsonOfValue(value)]))
}

export const nameOf = ({ type, id }: EntityRef) => ({ type, id })

/** A value as other engines read it: addresses and moments as text, entities by type and id. */
export function plainOfValue(value: Value): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object') return value
  if (value instanceof EntityRef) return nameOf(value)
  if (value instanceof CedarSet) return value.items.map(plainOfValue)
  if (value instanceof CedarRecord) return plainOfFields(value.fields)
  return textOf(value)[1]
}

export function plainOfFields(fields: ReadonlyMap<string, Value>): Record<string, unknown> {
  return Object.fromEntries([...fields].map(([name, value]) => [name, plainOfValue(value)]))
}

function textOf(value: IpRange | Decimal | DateTime | Duration): readonly [string, string] {
  if (value instanceof IpRange) return ['ip', addressOf(value)]
  if (value instanceof Decimal) return ['decimal', decimalOf(value.units)]
  if (value instanceof Duration) return ['duration', `${value.ms}ms`]
  return ['datetime', new Date(Number(value.ms)).toISOString()]
}

function addressOf({ version, address, prefix }: IpRange): string {
  const count = version === 4 ? 4 : 8
  const bits = version === 4 ? 8n : 16n
  const parts = Array.from({ length: count }, (_, index) => {
    const part = (address >> (bits * BigInt(count - 1 - index))) & ((1n << bits) - 1n)
    return version === 4 ? part.toString() : part.toString(16)
  })
  const text = parts.join(version === 4 ? '.' : ':')
  return prefix === Number(bits) * count ? text : `${text}/${prefix}`
}

function decimalOf(units: bigint): string {
  const size = (units < 0n ? -units : units).toString().padStart(5, '0')
  return `${units < 0n ? '-' : ''}${size.slice(0, -4)}.${size.slice(-4)}`
}
