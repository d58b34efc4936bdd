import { RingfenceError } from '../../core/errors.ts'
import { EXTENSION_CALLS } from './extension-calls.ts'
import { CedarRecord, CedarSet, EntityRef, type Value } from './value.ts'

/**
 * A value from Cedar's JSON form: `{"__entity": {…}}` and `{"__extn": {…}}` are what they say.
 * @throws RingfenceError `invalid_argument` for what Cedar has no value for, and for whole numbers that
 *   JSON cannot carry exactly
 */
export function valueOfJson(json: unknown): Value {
  switch (typeof json) {
    case 'boolean':
      return json
    case 'number':
      if (Number.isSafeInteger(json)) return json === 0 ? 0 : json
      throw noValue('a number that is not whole, or too large')
    case 'string':
      if (json.isWellFormed()) return json
      throw noValue('text that is not Unicode')
    case 'object':
      if (json !== null) return valueOfObject(json)
      throw noValue('null')
    default:
      throw noValue(typeof json)
  }
}

/** The fields of a record. @throws as `valueOfJson` */
export function fieldsOfJson(json: Readonly<Record<string, unknown>>): Map<string, Value> {
  return new Map(
    Object.entries(json).map(([name, value]) => {
      if (!name.isWellFormed()) throw noValue('a name that is not Unicode')
      return [name, valueOfJson(value)]
    }),
  )
}

/** The name of an entity, with or without `__entity` around it. @throws as `valueOfJson` */
export function entityOfJson(json: unknown): EntityRef {
  const inner = only(json, '__entity') ?? json
  if (typeof inner === 'object' && inner !== null && Object.keys(inner).length === 2) {
    const { type, id } = inner as Readonly<Record<string, unknown>>
    if (typeof type === 'string' && typeof id === 'string' && id.isWellFormed()) {
      if (TYPE_NAME.test(type)) return new EntityRef(type, id)
    }
  }
  throw noValue('what is no name of an entity')
}

/** `Clinic::Record`. */
export const TYPE_NAME = /^[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*$/

function valueOfObject(json: object): Value {
  if (Array.isArray(json)) return new CedarSet(json.map(valueOfJson))
  const entity = only(json, '__entity')
  if (entity !== undefined) return entityOfJson(entity)
  const call = only(json, '__extn')
  if (call !== undefined) return valueOfCall(call)
  if ('__entity' in json || '__extn' in json || '__expr' in json)
    throw noValue('an escape of no form')
  return new CedarRecord(fieldsOfJson(json as Readonly<Record<string, unknown>>))
}

function valueOfCall(json: unknown): Value {
  if (typeof json === 'object' && json !== null && Object.keys(json).length === 2) {
    const { fn, arg, args } = json as Readonly<Record<string, unknown>>
    const call = typeof fn === 'string' ? EXTENSION_CALLS.get(fn) : undefined
    const given = Array.isArray(args) ? args : [arg]
    if (call?.makes === true && call.arity === given.length) {
      const value = call.run(given.map(valueOfJson))
      if (value !== undefined) return value
    }
  }
  throw noValue('a call of no form')
}

function only(json: unknown, name: string): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  const entries = Object.entries(json)
  return entries.length === 1 && entries[0]?.[0] === name ? entries[0][1] : undefined
}

function noValue(what: string): RingfenceError {
  return new RingfenceError('invalid_argument', `a policy store has no value for ${what}`)
}
