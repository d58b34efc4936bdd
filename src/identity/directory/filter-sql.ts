import { RingfenceError } from '../../core/errors.ts'
import type { Condition } from './directory.ts'

const CONDITIONS_MAX = 20
const VALUE_MAX = 500

/** How a field is found in SQL: expressions of ours, never text of a caller. */
export interface FilterColumn {
  /** What to compare; null where the field is absent. */
  readonly sql: string
  /** Makes of the value what `sql` holds. Default: as it is. */
  readonly fold?: (value: string) => string
  /** For a field with several values: the condition holds when `some(matches)` does. */
  readonly some?: (matches: string) => string
}

/** A condition in SQL, with its parameters after `before` others. */
export interface FilterSql {
  readonly sql: string
  readonly values: readonly string[]
}

/**
 * Conditions as SQL that all hold. Values are parameters, and in patterns stand for themselves. An
 * absent field is equal to nothing, so that `notEqual` holds for it.
 * @throws RingfenceError `invalid_argument` for too many or too long ones
 */
export function filterSql<Field extends string>(
  conditions: readonly Condition<Field>[],
  columns: Readonly<Record<Field, FilterColumn>>,
  before: number,
): FilterSql {
  if (conditions.length > CONDITIONS_MAX) {
    throw new RingfenceError(
      'invalid_argument',
      `a filter has at most ${CONDITIONS_MAX} conditions`,
    )
  }
  const values: string[] = []
  const parts = conditions.map((condition) => {
    const column = columns[condition.field]
    const one = (matches: string) => column.some?.(matches) ?? `coalesce(${matches}, false)`
    if (condition.is === 'present') return one(`${column.sql} is not null`)
    const value = checked(condition.value)
    if (condition.is === 'after') {
      values.push(value)
      return one(`${column.sql} collate "C" > $${before + values.length}::text`)
    }
    values.push(condition.is === 'notEqual' || condition.is === 'equal' ? fold(column, value) : '')
    const parameter = `$${before + values.length}`
    if (condition.is === 'equal') return one(`${column.sql} = ${parameter}::text`)
    if (condition.is === 'notEqual') return `not ${one(`${column.sql} = ${parameter}::text`)}`
    values[values.length - 1] = pattern(condition.is, fold(column, value))
    return one(`${column.sql} like ${parameter}::text`)
  })
  return { sql: parts.map((part) => ` and ${part}`).join(''), values }
}

function checked(value: string | undefined): string {
  if (value === undefined || value.length > VALUE_MAX || value.includes('\0')) {
    throw new RingfenceError(
      'invalid_argument',
      `a condition has a value of at most ${VALUE_MAX} characters`,
    )
  }
  return value
}

const fold = (column: FilterColumn, value: string) => column.fold?.(value) ?? value

function pattern(is: 'contains' | 'startsWith' | 'endsWith', value: string): string {
  const plain = value.replace(/[\\%_]/g, '\\$&')
  return `${is === 'startsWith' ? '' : '%'}${plain}${is === 'endsWith' ? '' : '%'}`
}
