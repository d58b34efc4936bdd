import { foldText } from '../../directory/fold-name.ts'
import type { Attribute } from '../schema/attribute.ts'
import type { AttributePath } from '../schema/attribute-path.ts'
import type { Filter } from './filter.ts'

type Thing = Readonly<Record<string, unknown>>

/** Whether a resource, as it is shown, fulfils the filter. */
export function matches(filter: Filter, thing: Thing): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.of.every((one) => matches(one, thing))
    case 'or':
      return filter.of.some((one) => matches(one, thing))
    case 'not':
      return !matches(filter.of, thing)
    case 'present':
      return valuesAt(filter.at, thing).length > 0
    case 'some':
      return elementsOf(thing[filter.at.attribute.name]).some((one) => matches(filter.of, one))
    case 'compare':
      return isMet(filter, thing)
    default:
      // Not reached: a filter that is not known would match nothing.
      return filter satisfies never
  }
}

function isMet({ op, at, value }: Filter & { readonly kind: 'compare' }, thing: Thing): boolean {
  const attribute = at.sub ?? at.attribute
  const values = valuesAt(at, thing)
  // What is not there differs from every value.
  if (op === 'ne' && values.length === 0) return true
  const wanted = comparableOf(attribute, value)
  return values.some((one) => compare(op, comparableOf(attribute, one), wanted))
}

/** The values at a path, without those that are not there. */
export function valuesAt({ attribute, sub }: AttributePath, thing: Thing): readonly unknown[] {
  const value = thing[attribute.name]
  const values = sub === undefined ? [value].flat() : elementsOf(value).map((one) => one[sub.name])
  return values.filter((one) => one !== undefined && one !== null && one !== '')
}

/** A value in the form in which values of the attribute are compared and sorted. */
export function comparableOf(attribute: Attribute, value: unknown): unknown {
  if (attribute.type === 'dateTime')
    return typeof value === 'number' ? value : Date.parse(String(value))
  if (typeof value !== 'string' || attribute.caseExact) return value
  return foldText(value)
}

function elementsOf(value: unknown): readonly Thing[] {
  return [value].flat().filter((one): one is Thing => typeof one === 'object' && one !== null)
}

function compare(op: string, left: unknown, right: unknown): boolean {
  if (op === 'eq') return left === right
  if (op === 'ne') return left !== right
  if (typeof left === 'number' && typeof right === 'number') return inOrder(op, left - right)
  if (typeof left !== 'string' || typeof right !== 'string') return false
  if (op === 'co') return left.includes(right)
  if (op === 'sw') return left.startsWith(right)
  if (op === 'ew') return left.endsWith(right)
  return inOrder(op, left < right ? -1 : Number(left > right))
}

function inOrder(op: string, difference: number): boolean {
  if (op === 'gt') return difference > 0
  if (op === 'ge') return difference >= 0
  if (op === 'lt') return difference < 0
  return op === 'le' && difference <= 0
}
