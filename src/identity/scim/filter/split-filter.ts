import type { Filter } from './filter.ts'

/** What the directory takes at once. */
const CONDITIONS_MAX = 20

/** A filter in two parts that must both hold. */
export interface SplitFilter<Condition> {
  /** What the directory decides. */
  readonly conditions: readonly Condition[]
  /** What is left to decide here, or undefined. */
  readonly rest: Filter | undefined
}

/**
 * Gives the directory as much of a filter as it can decide.
 * @param single attributes of which a resource has one element at most
 */
export function splitFilter<Condition>(
  filter: Filter | undefined,
  single: readonly string[],
  conditionOf: (filter: Filter) => Condition | undefined,
): SplitFilter<Condition> {
  const conditions: Condition[] = []
  const rest: Filter[] = []
  for (const one of filter === undefined ? [] : conjunctsOf(filter, single)) {
    const condition = conditionOf(one)
    if (condition === undefined || conditions.length === CONDITIONS_MAX) rest.push(one)
    else conditions.push(condition)
  }
  return { conditions, rest: rest.length === 0 ? undefined : { kind: 'and', of: rest } }
}

function conjunctsOf(filter: Filter, single: readonly string[]): readonly Filter[] {
  if (filter.kind === 'and') return filter.of.flatMap((one) => conjunctsOf(one, single))
  if (filter.kind !== 'some') return [filter]
  const { at, of } = filter
  // Of one element at most, `a[x and y]` is `a[x] and a[y]`.
  if (of.kind === 'and' && single.includes(at.attribute.name)) {
    return of.of.flatMap((one) => conjunctsOf({ kind: 'some', at, of: one }, single))
  }
  // `a[x eq "y"]` is `a.x eq "y"`. Not so with `ne`, which is true of no element as well.
  if (of.kind === 'present' || (of.kind === 'compare' && of.op !== 'ne')) {
    return [{ ...of, at: { attribute: at.attribute, sub: of.at.attribute } }]
  }
  return [filter]
}
