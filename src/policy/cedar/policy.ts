import { RingfenceError } from '../../core/errors.ts'
import type { Environment, Run } from './environment.ts'
import { and, compileExpression, not, type Slots } from './expression.ts'
import { entityOfJson, TYPE_NAME } from './json-value.ts'
import { isIn } from './operators.ts'
import type { EntityRef } from './value.ts'

/** A policy of one store, ready to be evaluated. */
export interface CompiledPolicy {
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  /** Whether it is about an action at all: the rest need not be looked at. */
  readonly isAbout: (action: EntityRef, environment: Pick<Environment, 'entities'>) => boolean
  /** Whether its scope and its conditions hold. Undefined: an error, which `why` tells. */
  readonly holds: (environment: Environment) => boolean | undefined
  /** The same, where it is known that it is about the action. */
  readonly holdsAbout: (environment: Environment) => boolean | undefined
}

/** @throws RingfenceError `invalid_argument` for what is no policy of Cedar 4.5 */
export function compilePolicy(id: string, json: unknown, slots: Slots): CompiledPolicy {
  const { effect, principal, action, resource, conditions, annotations, ...others } = fields(json)
  if (effect !== 'permit' && effect !== 'forbid') throw refused('it has no effect')
  if (annotations !== undefined) fields(annotations)
  if (Object.keys(others).length > 0) throw refused('it has a part that is not known')
  const ofPrincipal = scope(principal, '?principal', slots)
  const ofAction = actionScope(action)
  const ofResource = scope(resource, '?resource', slots)
  const condition = conditionOf(conditions, slots)
  const holdsAbout = (environment: Environment) => {
    if (!ofPrincipal(environment.principal, environment)) return false
    if (!ofResource(environment.resource, environment)) return false
    if (condition === undefined) return true
    const value = condition(environment)
    if (value === undefined || typeof value === 'boolean') return value
    environment.why = 'a condition is not true or false'
    return undefined
  }
  return {
    id,
    effect,
    isAbout: ofAction,
    holds: (environment) => ofAction(environment.action, environment) && holdsAbout(environment),
    holdsAbout,
  }
}

type Scope = (entity: EntityRef, environment: Pick<Environment, 'entities'>) => boolean

function scope(json: unknown, slotName: string, slots: Slots): Scope {
  const { op, entity, slot, entity_type: type, in: within, ...others } = fields(json)
  if (Object.keys(others).length > 0) throw refused('a scope of no form')
  const target = () => (slot === undefined ? entityOfJson(entity) : filled(slot, slotName, slots))
  switch (op) {
    case 'All':
      return () => true
    case '==': {
      const { key } = target()
      return (one) => one.key === key
    }
    case 'in': {
      const group = target()
      return (one, environment) => below(one, group, environment)
    }
    case 'is': {
      if (typeof type !== 'string' || !TYPE_NAME.test(type)) throw refused('a scope of no form')
      if (within === undefined) return (one) => one.type === type
      const inner = fields(within)
      const group =
        inner['slot'] === undefined
          ? entityOfJson(inner['entity'])
          : filled(inner['slot'], slotName, slots)
      return (one, environment) => one.type === type && below(one, group, environment)
    }
    default:
      throw refused('a scope of no form')
  }
}

function actionScope(json: unknown): Scope {
  const { op, entity, entities, ...others } = fields(json)
  if (Object.keys(others).length > 0) throw refused('a scope of no form')
  if (op === 'All') return () => true
  if (op === '==') {
    const { key } = entityOfJson(entity)
    return (one) => one.key === key
  }
  if (op !== 'in') throw refused('a scope of no form')
  if (entities !== undefined && !Array.isArray(entities)) throw refused('a scope of no form')
  const groups = (entities as readonly unknown[] | undefined)?.map(entityOfJson) ?? [
    entityOfJson(entity),
  ]
  return (one, environment) => groups.some((group) => below(one, group, environment))
}

function below(one: EntityRef, group: EntityRef, environment: Pick<Environment, 'entities'>) {
  return isIn(one, group, environment)
}

function filled(slot: unknown, expected: string, slots: Slots): EntityRef {
  const entity = slot === expected ? slots.get(expected) : undefined
  if (entity === undefined) throw refused('a slot stands for nothing')
  return entity
}

/** All clauses in their order: the first that does not hold is the last that is looked at. */
function conditionOf(json: unknown, slots: Slots): Run | undefined {
  if (!Array.isArray(json)) throw refused('it has no conditions')
  let all: Run | undefined
  for (const clause of json as readonly unknown[]) {
    const { kind, body } = fields(clause)
    if (kind !== 'when' && kind !== 'unless') throw refused('a condition of no form')
    const expression = compileExpression(body, slots)
    const run = kind === 'when' ? expression : not(expression)
    all = all === undefined ? run : and(all, run)
  }
  return all
}

function fields(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, unknown>>
  }
  throw refused('a part of no form')
}

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the policy cannot be read: ${why}`)
}
