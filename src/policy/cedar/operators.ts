import { DateTime, Duration } from './date-time.ts'
import { type Environment, failed, type Run } from './environment.ts'
import { CedarSet, EntityRef, isLong, long, type Value } from './value.ts'

/** Longs with Longs, moments with moments, spans with spans. */
export function comparison(operator: '<' | '<=' | '>' | '>=', left: Run, right: Run): Run {
  const holds = COMPARISONS[operator]
  return (environment) => {
    const a = left(environment)
    if (a === undefined) return undefined
    const b = right(environment)
    if (b === undefined) return undefined
    if (isLong(a) && isLong(b)) return holds(a, b)
    if (a instanceof DateTime && b instanceof DateTime) return holds(a.ms, b.ms)
    if (a instanceof Duration && b instanceof Duration) return holds(a.ms, b.ms)
    return failed(environment, 'two values have no order')
  }
}

type Number = number | bigint

const COMPARISONS = {
  '<': (a: Number, b: Number) => a < b,
  '<=': (a: Number, b: Number) => a <= b,
  '>': (a: Number, b: Number) => a > b,
  '>=': (a: Number, b: Number) => a >= b,
} as const

const ARITHMETIC = {
  '+': (a: bigint, b: bigint) => a + b,
  '-': (a: bigint, b: bigint) => a - b,
  '*': (a: bigint, b: bigint) => a * b,
} as const

export function arithmetic(operator: '+' | '-' | '*', left: Run, right: Run): Run {
  const calculate = ARITHMETIC[operator]
  return (environment) => {
    const a = left(environment)
    if (a === undefined) return undefined
    const b = right(environment)
    if (b === undefined) return undefined
    if (!isLong(a) || !isLong(b)) return failed(environment, 'a value is not a number')
    return long(calculate(BigInt(a), BigInt(b))) ?? failed(environment, 'a number is too large')
  }
}

export function negated(arg: Run): Run {
  return (environment) => {
    const value = arg(environment)
    if (value === undefined) return undefined
    if (!isLong(value)) return failed(environment, 'a value is not a number')
    return long(-BigInt(value)) ?? failed(environment, 'a number is too large')
  }
}

/** `left in right`: an entity in another or in one of a set. */
export function membership(left: Run, right: Run): Run {
  return (environment) => {
    const entity = left(environment)
    if (entity === undefined) return undefined
    const groups = right(environment)
    if (groups === undefined) return undefined
    if (!(entity instanceof EntityRef)) return failed(environment, 'a value is not an entity')
    if (groups instanceof EntityRef) return isIn(entity, groups, environment)
    if (!(groups instanceof CedarSet)) return failed(environment, 'a value is not an entity')
    return isInAny(entity, groups.items, environment)
  }
}

export function isIn(
  entity: EntityRef,
  group: EntityRef,
  { entities }: Pick<Environment, 'entities'>,
): boolean {
  return entity.key === group.key || entities.get(entity.key)?.isBelow(group.key) === true
}

function isInAny(entity: EntityRef, groups: readonly Value[], environment: Environment) {
  let found = false
  for (const group of groups) {
    if (!(group instanceof EntityRef)) return failed(environment, 'a value is not an entity')
    found ||= isIn(entity, group, environment)
  }
  return found
}

export function onSets(
  operator: 'contains' | 'containsAll' | 'containsAny',
  left: Run,
  right: Run,
): Run {
  return (environment) => {
    const set = left(environment)
    if (set === undefined) return undefined
    const other = right(environment)
    if (other === undefined) return undefined
    if (!(set instanceof CedarSet)) return failed(environment, 'a value is not a set')
    if (operator === 'contains') return set.has(other)
    if (!(other instanceof CedarSet)) return failed(environment, 'a value is not a set')
    const { keys } = set
    if (operator === 'containsAll') return other.keys.isSubsetOf(keys)
    return !other.keys.isDisjointFrom(keys)
  }
}
