import type { Attribute, ResourceSchema } from '../schema/attribute.ts'
import { type AttributePath, attributePath } from '../schema/attribute-path.ts'
import { ScimError } from '../scim-error.ts'
import type { Resource } from './resource-kind.ts'

const NAMES_MAX = 50

/** Which attributes a client wants to see. */
export interface Projection {
  readonly only?: readonly AttributePath[]
  readonly without?: readonly AttributePath[]
}

/**
 * Reads `attributes` and `excludedAttributes` (RFC 7644, section 3.9). Names that there are not are
 * passed over.
 * @throws ScimError `invalidValue` when both are there, or too many
 */
export function readProjection(
  schema: ResourceSchema,
  attributes: readonly string[] | undefined,
  excluded: readonly string[] | undefined,
): Projection {
  if (attributes !== undefined && excluded !== undefined) {
    throw new ScimError('invalidValue', 'attributes and excludedAttributes exclude each other')
  }
  if (attributes !== undefined) return { only: pathsOf(schema, attributes) }
  return excluded === undefined ? {} : { without: pathsOf(schema, excluded) }
}

/** The attributes that are wanted, and those that are always there. */
export function project(
  schema: ResourceSchema,
  resource: Resource,
  { only, without }: Projection,
): Resource {
  const all = [...schema.common, ...schema.attributes]
  const shown: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(resource)) {
    const attribute = all.find((one) => one.name === name)
    const part = attribute === undefined ? undefined : partOf(attribute, value, only, without)
    if (part !== undefined) shown[name] = part
  }
  return shown
}

function partOf(
  attribute: Attribute,
  value: unknown,
  only: readonly AttributePath[] | undefined,
  without: readonly AttributePath[] | undefined,
): unknown {
  if (attribute.returned === 'always') return value
  const named = (only ?? without ?? []).filter((path) => path.attribute === attribute)
  const whole = named.some(({ sub }) => sub === undefined)
  const parts = new Set(named.flatMap(({ sub }) => sub?.name ?? []))
  if (only === undefined) {
    if (whole) return undefined
    return parts.size === 0 ? value : pick(value, (name) => !parts.has(name))
  }
  if (whole) return value
  return parts.size === 0 ? undefined : pick(value, (name) => parts.has(name))
}

function pick(value: unknown, wanted: (name: string) => boolean): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => pick(one, wanted))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([name]) => wanted(name)))
}

function pathsOf(schema: ResourceSchema, names: readonly string[]): readonly AttributePath[] {
  if (names.length > NAMES_MAX) throw new ScimError('invalidValue', 'too many attributes are named')
  return names.flatMap((name) => {
    const path = attributePath(schema, name.trim())
    return path === undefined || path === 'leftOut' ? [] : [path]
  })
}
