import { RingfenceError } from '../core/errors.ts'
import { type OpenApiDocument, unusable } from './document.ts'
import { isObject, type Json, type JsonObject, plainObject } from './json.ts'
import {
  FOR_EACH,
  ONE_SCHEMA,
  REFUSED,
  SCHEMA_LIST,
  SCHEMA_MAP,
  VALUES,
} from './schema-keywords.ts'

/** Schemas of one document, references counted once. */
const SCHEMAS_MAX = 20_000

/** A schema of JSON Schema 2020-12 that is put together from keywords that we know. */
export type Schema = boolean | { readonly [keyword: string]: Json }

/**
 * The schemas of a document, written anew: tenants write them, and the library that compiles them
 * takes schemas for code of one's own. What it gets has no keyword but known ones with values of the
 * right form, references to our own names, and marks by which the work is counted.
 */
export class SchemaBook {
  readonly #document: OpenApiDocument
  /** By reference. Undefined while it is being written. */
  readonly #definitions = new Map<string, { readonly name: string; schema: Schema | undefined }>()
  #count = 0

  constructor(document: OpenApiDocument) {
    this.#document = document
  }

  /** A schema as requests must be. @throws RingfenceError `invalid_manifest` */
  write(value: Json | undefined, where: string): Schema {
    this.#count += 1
    if (this.#count > SCHEMAS_MAX) throw unusable(where, 'is one schema too many')
    if (value === undefined || value === true) return true
    if (value === false) return false
    if (!isObject(value)) throw unusable(where, 'is not a schema')
    const is30 = this.#document.dialect === '3.0'
    const reference = value['$ref']
    const written: Record<string, Json> = Object.create(null)
    if (reference !== undefined) {
      if (typeof reference !== 'string') throw unusable(where, 'has a reference that is none')
      written['$ref'] = `#/$defs/${this.#define(reference)}`
      // In 3.0 what stands beside a reference does not count.
      if (is30) return written
    }
    const source = is30 ? from30(value) : value
    for (const [keyword, inside] of Object.entries(source)) {
      const one = this.#keyword(keyword, inside, `${where}/${keyword}`)
      if (one !== undefined) written[keyword] = one
    }
    return withoutReadOnly(written, source, this.#document)
  }

  /** What references in a schema lead to, and what those lead to, as `$defs`. */
  definitions(schema: Schema): Readonly<Record<string, Schema>> {
    const found = new Map<string, Schema>()
    const open: Json[] = [schema]
    const byName = new Map(
      [...this.#definitions.values()].map(({ name, schema }) => [name, schema]),
    )
    for (let value = open.pop(); value !== undefined; value = open.pop()) {
      if (typeof value !== 'object' || value === null) continue
      const reference = isObject(value) ? value['$ref'] : undefined
      if (typeof reference === 'string') {
        const name = reference.slice('#/$defs/'.length)
        const definition = byName.get(name)
        if (definition !== undefined && !found.has(name)) {
          found.set(name, definition)
          open.push(definition)
        }
      }
      open.push(...Object.values(value))
    }
    return plainObject(found)
  }

  #keyword(keyword: string, value: Json, where: string): Json | undefined {
    if (REFUSED.has(keyword)) throw unusable(where, 'is not supported')
    const isRight = Object.hasOwn(VALUES, keyword) ? VALUES[keyword] : undefined
    if (isRight !== undefined) {
      if (!right(isRight, value, where))
        throw unusable(where, 'does not have the form that it must')
      return value
    }
    if (ONE_SCHEMA.has(keyword)) {
      return FOR_EACH.has(keyword) ? this.#counted(value, where) : this.write(value, where)
    }
    if (SCHEMA_LIST.has(keyword)) {
      if (!Array.isArray(value) || value.length === 0) throw unusable(where, 'is not a list')
      return value.map((one, index) => this.write(one, `${where}/${index}`))
    }
    if (SCHEMA_MAP.has(keyword)) {
      if (!isObject(value)) throw unusable(where, 'is not an object')
      const isByPattern = keyword === 'patternProperties'
      return plainObject(
        Object.entries(value).map(([name, one]) => {
          const at = `${where}/${name}`
          if (isByPattern) right(VALUES['pattern'] ?? (() => false), name, at)
          return [name, isByPattern ? this.#counted(one, at) : this.write(one, at)]
        }),
      )
    }
    return undefined
  }

  #define(reference: string): string {
    const known = this.#definitions.get(reference)
    if (known !== undefined) return known.name
    const entry: { readonly name: string; schema: Schema | undefined } = {
      name: String(this.#definitions.size),
      schema: undefined,
    }
    this.#definitions.set(reference, entry)
    entry.schema = this.#counted(this.#document.at(reference), reference)
    return entry.name
  }

  /** With the mark that counts what looking at one value costs, what it refers to apart. */
  #counted(value: Json, where: string): Schema {
    const before = this.#count
    const schema = this.write(value, where)
    return { work: this.#count - before, allOf: [schema] }
  }
}

function right(isRight: (value: Json) => boolean, value: Json, where: string): boolean {
  try {
    return isRight(value)
  } catch (error) {
    // A pattern says itself what is wrong with it.
    if (error instanceof RingfenceError) throw unusable(where, error.message)
    throw error
  }
}

/** A schema of OpenAPI 3.0 in the words of JSON Schema. */
function from30(value: JsonObject): JsonObject {
  const { nullable, exclusiveMinimum, exclusiveMaximum, ...rest } = value
  const schema: Record<string, Json> = { ...rest }
  if (nullable === true && typeof value['type'] === 'string')
    schema['type'] = [value['type'], 'null']
  for (const [flag, limit, name] of [
    [exclusiveMinimum, 'minimum', 'exclusiveMinimum'],
    [exclusiveMaximum, 'maximum', 'exclusiveMaximum'],
  ] as const) {
    const bound = value[limit]
    if (flag !== true || bound === undefined) continue
    delete schema[limit]
    schema[name] = bound
  }
  return schema
}

/**
 * What only the service says of a thing, a caller must not: the name of the tenant that it belongs
 * to would be such a property, and services are known that take it from whoever sends it.
 */
function withoutReadOnly(
  written: Record<string, Json>,
  source: JsonObject,
  document: OpenApiDocument,
): Schema {
  const properties = source['properties']
  if (!isObject(properties)) return written
  const isReadOnly = (name: string) => {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    return isObject(property) && document.object(property, name)['readOnly'] === true
  }
  const names = Object.keys(properties).filter(isReadOnly)
  if (names.length === 0) return written
  const kept = isObject(written['properties']) ? written['properties'] : {}
  const refused = names.map((name): [string, Json] => [name, false])
  const required = Array.isArray(written['required']) ? written['required'] : []
  return {
    ...written,
    properties: plainObject([...Object.entries(kept), ...refused]),
    required: required.filter((name) => typeof name === 'string' && !isReadOnly(name)),
  }
}
