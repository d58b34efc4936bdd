import { isObject, type Json } from './json.ts'
import { LinearPattern } from './linear-pattern.ts'

const isCount = (value: Json) => Number.isInteger(value) && Number(value) >= 0
const isNumber = (value: Json): value is number => typeof value === 'number'
const isNames = (value: Json) =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')

const TYPES = new Set<Json>(['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'])

/**
 * Keywords with a value of their own, and what it must look like. What is in no table here is left
 * out of what is compiled: it says nothing about what is valid.
 */
export const VALUES: Readonly<Record<string, (value: Json) => boolean>> = {
  type: (value) =>
    Array.isArray(value)
      ? value.length > 0 &&
        new Set(value).size === value.length &&
        value.every((one) => TYPES.has(one))
      : TYPES.has(value),
  enum: (value) => Array.isArray(value) && value.length > 0,
  const: () => true,
  required: isNames,
  pattern: (value) =>
    typeof value === 'string' && new LinearPattern(value) instanceof LinearPattern,
  format: (value) => typeof value === 'string',
  uniqueItems: (value) => typeof value === 'boolean',
  minimum: isNumber,
  maximum: isNumber,
  exclusiveMinimum: isNumber,
  exclusiveMaximum: isNumber,
  multipleOf: (value) => isNumber(value) && value > 0,
  minLength: isCount,
  maxLength: isCount,
  minItems: isCount,
  maxItems: isCount,
  minContains: isCount,
  maxContains: isCount,
  minProperties: isCount,
  maxProperties: isCount,
  dependentRequired: (value) => isObject(value) && Object.values(value).every(isNames),
}

/** Keywords whose value is one schema. */
export const ONE_SCHEMA = new Set([
  'not',
  'if',
  'then',
  'else',
  'items',
  'contains',
  'propertyNames',
  'additionalProperties',
  'unevaluatedItems',
  'unevaluatedProperties',
])
/** Of those, the ones that look at many values. */
export const FOR_EACH = new Set([
  'items',
  'contains',
  'propertyNames',
  'additionalProperties',
  'unevaluatedItems',
  'unevaluatedProperties',
])
export const SCHEMA_LIST = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
export const SCHEMA_MAP = new Set(['properties', 'patternProperties', 'dependentSchemas'])

/** Keywords that move what references mean: nobody would know what is validated. */
export const REFUSED = new Set([
  '$id',
  'id',
  '$anchor',
  '$dynamicRef',
  '$dynamicAnchor',
  '$recursiveRef',
  '$recursiveAnchor',
])
