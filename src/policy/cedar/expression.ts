import { RingfenceError } from '../../core/errors.ts'
import { access, hasAttribute, tagCheck, tagOf } from './attributes.ts'
import { type Environment, failed, type Run } from './environment.ts'
import { EXTENSION_CALLS } from './extension-calls.ts'
import { valueOfJson } from './json-value.ts'
import { likePattern } from './like.ts'
import { arithmetic, comparison, membership, negated, onSets } from './operators.ts'
import { CedarRecord, CedarSet, EntityRef, equal, type Value } from './value.ts'

/** What the slots of a template stand for. */
export type Slots = ReadonlyMap<string, EntityRef>

/**
 * Makes a function of an expression in Cedar's JSON form. It knows the whole language of Cedar 4.5.
 * @throws RingfenceError `invalid_argument` for anything else
 */
export function compileExpression(json: unknown, slots: Slots): Run {
  const [name, body, ...others] = Object.entries(objectOf(json)).flat()
  if (typeof name !== 'string' || others.length > 0) throw unknown('an expression of no form')
  const compile = (part: unknown) => compileExpression(part, slots)
  const one = () => compile(objectOf(body)['arg'])
  const two = (): readonly [Run, Run] => {
    const { left, right } = objectOf(body)
    return [compile(left), compile(right)]
  }
  switch (name) {
    case 'Value': {
      const value = valueOfJson(body)
      return () => value
    }
    case 'Var':
      return variable(body)
    case 'Slot':
      return slot(body, slots)
    case '!':
      return not(one())
    case 'neg':
      return negated(one())
    case '&&':
      return and(...two())
    case '||':
      return or(...two())
    case 'if-then-else': {
      const { if: test, then, else: otherwise } = objectOf(body)
      return choice(compile(test), compile(then), compile(otherwise))
    }
    case '==':
    case '!=':
      return equality(...two(), name === '==')
    case '<':
    case '<=':
    case '>':
    case '>=':
      return comparison(name, ...two())
    case '+':
    case '-':
    case '*':
      return arithmetic(name, ...two())
    case 'in':
      return membership(...two())
    case 'contains':
    case 'containsAll':
    case 'containsAny':
      return onSets(name, ...two())
    case 'isEmpty':
      return isEmpty(one())
    case 'hasTag':
      return tagCheck(...two())
    case 'getTag':
      return tagOf(...two())
    case '.': {
      const { left, attr } = objectOf(body)
      return access(compile(left), textOf(attr))
    }
    case 'has': {
      const { left, attr } = objectOf(body)
      const path = Array.isArray(attr) ? attr.map(textOf) : [textOf(attr)]
      return hasAttribute(compile(left), path)
    }
    case 'like': {
      const { left, pattern } = objectOf(body)
      return like(compile(left), likePattern(pattern))
    }
    case 'is':
      return isOfType(objectOf(body), compile)
    case 'Set':
      return setOf(listOf(body), compile)
    case 'Record':
      return recordOf(Object.entries(objectOf(body)).map(([key, part]) => [key, compile(part)]))
    default:
      return extensionCall(name, listOf(body), compile)
  }
}

function variable(name: unknown): Run {
  switch (name) {
    case 'principal':
      return ({ principal }) => principal
    case 'action':
      return ({ action }) => action
    case 'resource':
      return ({ resource }) => resource
    case 'context':
      return ({ context }) => context
    default:
      throw unknown('a variable')
  }
}

function slot(name: unknown, slots: Slots): Run {
  const entity = typeof name === 'string' ? slots.get(name) : undefined
  if (entity === undefined) throw unknown('a slot that stands for nothing')
  return () => entity
}

function boolean(value: Value | undefined, environment: Environment): boolean | undefined {
  if (typeof value === 'boolean') return value
  return value === undefined ? undefined : failed(environment, 'a value is not true or false')
}

/** Both, the second only if the first holds. */
export function and(left: Run, right: Run): Run {
  return (environment) =>
    boolean(left(environment), environment) && boolean(right(environment), environment)
}

function or(left: Run, right: Run): Run {
  return (environment) => {
    const first = boolean(left(environment), environment)
    return first === false ? boolean(right(environment), environment) : first
  }
}

/** True where it is false. */
export function not(arg: Run): Run {
  return (environment) => {
    const value = boolean(arg(environment), environment)
    return value === undefined ? undefined : !value
  }
}

function choice(test: Run, then: Run, otherwise: Run): Run {
  return (environment) => {
    const value = boolean(test(environment), environment)
    if (value === undefined) return undefined
    return value ? then(environment) : otherwise(environment)
  }
}

function equality(left: Run, right: Run, wanted: boolean): Run {
  return (environment) => {
    const a = left(environment)
    if (a === undefined) return undefined
    const b = right(environment)
    return b === undefined ? undefined : equal(a, b) === wanted
  }
}

function isEmpty(arg: Run): Run {
  return (environment) => {
    const set = arg(environment)
    if (set instanceof CedarSet) return set.items.length === 0
    return set === undefined ? undefined : failed(environment, 'a value is not a set')
  }
}

function like(left: Run, matches: (text: string) => boolean): Run {
  return (environment) => {
    const text = left(environment)
    if (typeof text === 'string') return matches(text)
    return text === undefined ? undefined : failed(environment, 'a value is not text')
  }
}

function isOfType(body: Readonly<Record<string, unknown>>, compile: (part: unknown) => Run): Run {
  const left = compile(body['left'])
  const type = textOf(body['entity_type'])
  const is: Run = (environment) => {
    const entity = left(environment)
    if (entity instanceof EntityRef) return entity.type === type
    return entity === undefined ? undefined : failed(environment, 'a value is not an entity')
  }
  return body['in'] === undefined ? is : and(is, membership(left, compile(body['in'])))
}

function setOf(parts: readonly unknown[], compile: (part: unknown) => Run): Run {
  const items = parts.map(compile)
  if (parts.every((part) => 'Value' in objectOf(part))) {
    // Made once: a long list of literals costs a request nothing.
    const set = new CedarSet(parts.map((part) => valueOfJson(objectOf(part)['Value'])))
    return () => set
  }
  return (environment) => {
    const values: Value[] = []
    for (const item of items) {
      const value = item(environment)
      if (value === undefined) return undefined
      values.push(value)
    }
    return new CedarSet(values)
  }
}

function recordOf(fields: readonly (readonly [string, Run])[]): Run {
  return (environment) => {
    const values = new Map<string, Value>()
    for (const [name, field] of fields) {
      const value = field(environment)
      if (value === undefined) return undefined
      values.set(name, value)
    }
    return new CedarRecord(values)
  }
}

function extensionCall(
  name: string,
  parts: readonly unknown[],
  compile: (part: unknown) => Run,
): Run {
  const call = EXTENSION_CALLS.get(name)
  if (call?.arity !== parts.length) throw unknown(`the function ${JSON.stringify(name)}`)
  const args = parts.map(compile)
  const literals = parts.map(literalOf)
  if (literals.every((literal) => literal !== undefined)) {
    // Read once: a literal is the same for every request.
    const value = call.run(literals)
    const why = `${name} does not take what it is given`
    return (environment) => value ?? failed(environment, why)
  }
  return (environment) => {
    const values: Value[] = []
    for (const arg of args) {
      const value = arg(environment)
      if (value === undefined) return undefined
      values.push(value)
    }
    return call.run(values) ?? failed(environment, `${name} does not take what it is given`)
  }
}

function literalOf(json: unknown): string | undefined {
  const { Value: value } = objectOf(json)
  return typeof value === 'string' ? value : undefined
}

function objectOf(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, unknown>>
  }
  throw unknown('an expression of no form')
}

function listOf(json: unknown): readonly unknown[] {
  if (Array.isArray(json)) return json
  throw unknown('an expression of no form')
}

function textOf(json: unknown): string {
  if (typeof json === 'string') return json
  throw unknown('a name of no form')
}

function unknown(what: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the policy cannot be read: ${what}`)
}
