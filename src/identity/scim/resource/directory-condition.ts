import type { Condition } from '../../directory/directory.ts'
import type { Filter } from '../filter/filter.ts'

const OPERATORS = {
  eq: 'equal',
  ne: 'notEqual',
  co: 'contains',
  sw: 'startsWith',
  ew: 'endsWith',
} as const

/** The filter as one condition of the directory, or undefined when it is none. */
export function directoryCondition<Field extends string>(
  filter: Filter,
  fields: Readonly<Record<string, Field>>,
): Condition<Field> | undefined {
  if (filter.kind !== 'present' && filter.kind !== 'compare') return undefined
  const { attribute, sub } = filter.at
  const field = fields[sub === undefined ? attribute.name : `${attribute.name}.${sub.name}`]
  if (field === undefined) return undefined
  if (filter.kind === 'present') return { field, is: 'present' }
  const is = Object.entries(OPERATORS).find(([op]) => op === filter.op)?.[1]
  if (is === undefined || typeof filter.value !== 'string') return undefined
  return { field, is, value: filter.value }
}
