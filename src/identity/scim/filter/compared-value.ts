import { ScimError } from '../scim-error.ts'
import type { Attribute } from '../schema/attribute.ts'
import { isPlainText } from '../schema/plain-text.ts'
import type { Comparison } from './filter.ts'

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/
const EQUALITY: readonly Comparison[] = ['eq', 'ne']
/** Longer ones are nobody's: the directory keeps no text as long. */
const VALUE_LENGTH_MAX = 500
const PARTS: readonly Comparison[] = ['co', 'sw', 'ew']

/**
 * The value that an attribute is compared with, of the attribute's own type.
 * @throws ScimError `invalidFilter`
 */
export function comparedValue(
  attribute: Attribute,
  op: Comparison,
  value: unknown,
): string | boolean | number {
  if (attribute.type === 'boolean') {
    const truth = truthOf(value)
    if (truth === undefined || !EQUALITY.includes(op)) throw refused()
    return truth
  }
  if (typeof value !== 'string' || value.length > VALUE_LENGTH_MAX || !isPlainText(value)) {
    throw refused()
  }
  if (attribute.type !== 'dateTime') return value
  const moment = MOMENT.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(moment) || PARTS.includes(op)) throw refused()
  return moment
}

/** Some clients write booleans as strings, `"True"`. */
export function truthOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') return undefined
  const text = value.toLowerCase()
  return text === 'true' || (text === 'false' ? false : undefined)
}

function refused(): ScimError {
  return new ScimError(
    'invalidFilter',
    'the filter compares an attribute in a way that does not fit its type',
  )
}
