import { RingfenceError } from '../core/errors.ts'
import { parseStrictJson } from '../core/strict-json.ts'
import { isObject, type Json, type JsonObject } from './json.ts'

/** Longest document that is read. */
const LENGTH_MAX = 1_048_576
/** Deepest nesting of it. */
const NESTING_MAX = 200
const REFERENCES_MAX = 10

/**
 * An OpenAPI document, as JSON. References lead to places inside it and to nowhere else: nothing is
 * fetched, whatever it says.
 */
export class OpenApiDocument {
  /** Schemas of 3.0 have a dialect of their own. */
  readonly dialect: '3.0' | '3.1'
  readonly root: JsonObject

  /** @throws RingfenceError `invalid_manifest` */
  constructor(text: string) {
    this.root = rootOf(text)
    const version = this.root['openapi']
    const [, dialect] =
      /^(3\.[01])\.\d{1,3}$/.exec(typeof version === 'string' ? version : '') ?? []
    if (dialect !== '3.0' && dialect !== '3.1') {
      throw unusable('openapi', 'is not 3.0 or 3.1')
    }
    this.dialect = dialect
  }

  /** What a pointer as in `#/components/schemas/Pet` leads to. @throws RingfenceError */
  at(reference: string): Json {
    if (reference !== '#' && !reference.startsWith('#/')) {
      throw unusable(reference, 'is not in this document')
    }
    let value: Json = this.root
    for (const part of reference.split('/').slice(1)) {
      const key = keyOf(part)
      const next: Json | undefined = Array.isArray(value)
        ? value[Number(key)]
        : isObject(value) && Object.hasOwn(value, key)
          ? value[key]
          : undefined
      if (next === undefined) throw unusable(reference, 'leads nowhere')
      value = next
    }
    return value
  }

  /** The object itself, or what it refers to. @throws RingfenceError */
  object(value: Json | undefined, where: string): JsonObject {
    let found = value
    for (let n = 0; n < REFERENCES_MAX; n += 1) {
      if (!isObject(found)) throw unusable(where, 'is not an object')
      const reference = found['$ref']
      if (typeof reference !== 'string') return found
      found = this.at(reference)
    }
    throw unusable(where, 'refers to something that refers to something, and so on')
  }

  /** An object's entries, each an object or a reference to one; none if it is left out. */
  objects(value: Json | undefined, where: string): readonly (readonly [string, JsonObject])[] {
    if (value === undefined) return []
    if (!isObject(value)) throw unusable(where, 'is not an object')
    return Object.entries(value).map(([key, one]) => [key, this.object(one, `${where}/${key}`)])
  }
}

/** Tells the document's author what is wrong where. */
export function unusable(where: string, why: string): RingfenceError {
  return new RingfenceError(
    'invalid_manifest',
    `the OpenAPI document: ${where.slice(0, 200)} ${why}`,
  )
}

function rootOf(text: string): JsonObject {
  if (text.length > LENGTH_MAX) throw unusable('it', 'is too long')
  let root: unknown
  try {
    root = parseStrictJson(text)
  } catch {
    throw unusable('it', 'is not JSON, or has a key twice')
  }
  if (!isObject(root)) throw unusable('it', 'is not an object')
  if (isDeeperThan(root, NESTING_MAX)) throw unusable('it', 'is nested too deeply')
  return root
}

function isDeeperThan(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some((one: Json) => isDeeperThan(one, levels - 1))
}

function keyOf(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    throw unusable(part, 'is not a reference')
  }
}
