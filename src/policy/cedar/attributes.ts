import { type Environment, failed, type Run } from './environment.ts'
import { CedarRecord, EntityRef, type Value } from './value.ts'

/** `left.attr`: of a record, or of an entity that there is. */
export function access(left: Run, name: string): Run {
  const missing = `there is no attribute ${name}`
  return (environment) => {
    const of = left(environment)
    if (of instanceof CedarRecord) return of.fields.get(name) ?? failed(environment, missing)
    if (of instanceof EntityRef) {
      const entity = environment.entities.get(of.key)
      if (entity === undefined) return failed(environment, `there is no entity ${of.key}`)
      return entity.attributes.get(name) ?? failed(environment, missing)
    }
    return of === undefined ? undefined : failed(environment, 'a value has no attributes')
  }
}

/** `left has a.b.c`: each has the next. */
export function hasAttribute(left: Run, path: readonly string[]): Run {
  return (environment) => {
    let of = left(environment)
    for (const [index, name] of path.entries()) {
      if (of === undefined) return undefined
      const fields = fieldsOf(of, environment)
      if (fields === undefined) return failed(environment, 'a value has no attributes')
      const next = fields.get(name)
      if (next === undefined) return false
      if (index < path.length - 1) of = next
    }
    return true
  }
}

const NONE: ReadonlyMap<string, Value> = new Map()

function fieldsOf(value: Value, { entities }: Environment): ReadonlyMap<string, Value> | undefined {
  if (value instanceof CedarRecord) return value.fields
  // An entity that there is not has none.
  if (value instanceof EntityRef) return entities.get(value.key)?.attributes ?? NONE
  return undefined
}

/** `left.hasTag(name)` */
export function tagCheck(left: Run, name: Run): Run {
  return (environment) => {
    const asked = tagAsked(left, name, environment)
    if (asked === undefined) return undefined
    return environment.entities.get(asked.of.key)?.tags.has(asked.name) === true
  }
}

/** `left.getTag(name)` */
export function tagOf(left: Run, name: Run): Run {
  return (environment) => {
    const asked = tagAsked(left, name, environment)
    if (asked === undefined) return undefined
    const tag = environment.entities.get(asked.of.key)?.tags.get(asked.name)
    return tag ?? failed(environment, `there is no tag ${asked.name}`)
  }
}

function tagAsked(left: Run, name: Run, environment: Environment) {
  const of = left(environment)
  if (of === undefined) return undefined
  const text = name(environment)
  if (text === undefined) return undefined
  if (of instanceof EntityRef && typeof text === 'string') return { of, name: text }
  return failed(environment, 'a tag is an entity’s, by its name')
}
