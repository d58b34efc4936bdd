import { z } from 'zod'

/**
 * What a value is meant to be by a schema, as far as JSON does not say it by itself: `ipaddr` and the
 * like are written as text, and entities as `{"type", "id"}`.
 */
export type Shape =
  | { readonly is: 'extension'; readonly fn: string }
  | { readonly is: 'entity'; readonly type: string }
  | { readonly is: 'set'; readonly of: Shape }
  | { readonly is: 'record'; readonly fields: Readonly<Record<string, Shape>> }
  | { readonly is: 'plain' }

/** Which function makes a value of an extension's type. */
const MAKERS: ReadonlyMap<string, string> = new Map([
  ['ipaddr', 'ip'],
  ['decimal', 'decimal'],
  ['datetime', 'datetime'],
  ['duration', 'duration'],
])

export const shapeSchema: z.ZodType<Shape> = z.lazy(() =>
  z.discriminatedUnion('is', [
    z.strictObject({ is: z.literal('extension'), fn: z.string() }),
    z.strictObject({ is: z.literal('entity'), type: z.string() }),
    z.strictObject({ is: z.literal('set'), of: shapeSchema }),
    z.strictObject({ is: z.literal('record'), fields: z.record(z.string(), shapeSchema) }),
    z.strictObject({ is: z.literal('plain') }),
  ]),
)

const typeSchema = z.object({
  type: z.string(),
  name: z.string().optional(),
  element: z.unknown().optional(),
  attributes: z.record(z.string(), z.unknown()).optional(),
})

/**
 * The shape of a type of a resolved schema.
 * @param common common types by their full names, to which types may refer
 */
export function shapeOf(type: unknown, common: ReadonlyMap<string, unknown>, depth = 0): Shape {
  const read = typeSchema.safeParse(type).data
  if (read === undefined || depth > 50) return { is: 'plain' }
  const { type: kind, name = '', element, attributes = {} } = read
  switch (kind) {
    case 'Extension':
      return { is: 'extension', fn: MAKERS.get(plainName(name)) ?? name }
    case 'Entity':
      return { is: 'entity', type: name }
    case 'Set':
      return { is: 'set', of: shapeOf(element, common, depth + 1) }
    case 'Record':
      return {
        is: 'record',
        fields: Object.fromEntries(
          Object.entries(attributes).map(([key, one]) => [key, shapeOf(one, common, depth + 1)]),
        ),
      }
    default: {
      const called = kind === 'EntityOrCommon' ? name : kind
      const named = common.get(called)
      if (named !== undefined) return shapeOf(named, common, depth + 1)
      const fn = MAKERS.get(plainName(called))
      return fn === undefined ? { is: 'plain' } : { is: 'extension', fn }
    }
  }
}

/** Built-in names may stand in a namespace of their own. */
const plainName = (name: string) => name.replace(/^__cedar::/, '')

/** JSON in which every value says what it is meant to be. What does not fit is left as it is. */
export function meant(json: unknown, shape: Shape | undefined): unknown {
  switch (shape?.is) {
    case 'extension':
      return typeof json === 'string' ? { __extn: { fn: shape.fn, arg: json } } : json
    case 'entity':
      return isObject(json) && 'type' in json && 'id' in json ? { __entity: json } : json
    case 'set':
      return Array.isArray(json) ? json.map((item) => meant(item, shape.of)) : json
    case 'record':
      return isObject(json) && !Array.isArray(json) && !isEscape(json)
        ? Object.fromEntries(
            Object.entries(json).map(([key, value]) => [
              key,
              meant(value, Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined),
            ]),
          )
        : json
    default:
      return json
  }
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null
}

function isEscape(json: Readonly<Record<string, unknown>>): boolean {
  return '__entity' in json || '__extn' in json
}
