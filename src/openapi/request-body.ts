import { RingfenceError } from '../core/errors.ts'
import { parseStrictJson } from '../core/strict-json.ts'
import { type OpenApiDocument, unusable } from './document.ts'
import { isObject, type Json, plainObject } from './json.ts'
import { read, typesOf } from './parameters.ts'
import type { Schema, SchemaBook } from './schema-book.ts'
import type { SchemaCompiler, Validator } from './schema-compiler.ts'
import { WORK_MAX, withinWork } from './work.ts'

/** Deepest nesting of a body. */
const NESTING_MAX = 64

interface Content {
  /** `application/json`, `text/*`. */
  readonly range: string
  readonly schema: Schema
  readonly source: Json | undefined
  readonly check: Validator
}

/** How a body of a media type is looked at: `opaque` ones by their type alone. */
export type Reading = 'json' | 'form' | 'opaque'

/** What an operation says of its body. */
export class RequestBody {
  readonly required: boolean
  readonly contents: readonly Content[]
  readonly #document: OpenApiDocument

  /** @throws RingfenceError `invalid_manifest` */
  constructor(
    value: Json,
    where: string,
    document: OpenApiDocument,
    book: SchemaBook,
    compiler: SchemaCompiler,
  ) {
    const body = document.object(value, where)
    this.#document = document
    this.required = body['required'] === true
    this.contents = document.objects(body['content'], `${where}/content`).map(([range, media]) => {
      const schema = book.write(media['schema'], `${where}/content/${range}/schema`)
      let check: Validator | undefined
      return {
        range: range.split(';', 1)[0]?.trim().toLowerCase() ?? '',
        schema,
        source: media['schema'],
        check: (one: unknown) => (check ??= compiler.compile(schema))(one),
      }
    })
    if (this.contents.length === 0) throw unusable(where, 'has a body of no type')
  }

  /** How a body of this type is looked at; undefined for a type that is not described. */
  reading(mediaType: string): Reading | undefined {
    if (this.#content(mediaType) === undefined) return undefined
    if (isJson(mediaType)) return 'json'
    return mediaType === 'application/x-www-form-urlencoded' ? 'form' : 'opaque'
  }

  /**
   * Looks at a whole body.
   * @throws RingfenceError `invalid_argument` that says where it is wrong, and repeats no value;
   *   `too_large` for one that takes too long
   */
  check(mediaType: string, text: string): void {
    const content = this.#content(mediaType)
    if (content === undefined) throw new RingfenceError('unsupported_media_type', 'another type')
    const isForm = this.reading(mediaType) === 'form'
    const value = isForm ? formOf(text, content.source, this.#document) : jsonOf(text)
    let wrong: string | undefined
    try {
      wrong = withinWork(WORK_MAX, () => content.check(value))
    } catch (error) {
      if (error instanceof RingfenceError) throw error
      // Nested so deeply in its schema that the stack was used up.
      throw new RingfenceError('too_large', 'the body takes too long to look at')
    }
    if (wrong !== undefined) throw refused(`is not as it must be at ${wrong.slice(0, 200) || '/'}`)
  }

  #content(mediaType: string): Content | undefined {
    const [type] = mediaType.split('/')
    return (
      this.contents.find(({ range }) => range === mediaType) ??
      this.contents.find(({ range }) => range === `${type}/*`) ??
      this.contents.find(({ range }) => range === '*/*')
    )
  }
}

export function isJson(mediaType: string): boolean {
  return /^(?:application\/json|[\w.-]+\/[\w.-]+\+json)$/.test(mediaType)
}

function jsonOf(text: string): unknown {
  let value: unknown
  try {
    value = parseStrictJson(text)
  } catch {
    throw refused('is not JSON, or has a key twice')
  }
  if (isDeep(value, NESTING_MAX)) throw refused('is nested too deeply')
  return value
}

function isDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((one: unknown) => isDeep(one, levels - 1))
}

/** A form's fields as an object, each of the type that the schema gives it. */
function formOf(text: string, schema: Json | undefined, document: OpenApiDocument): Json {
  const texts = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(text)) {
    texts.set(name, [...(texts.get(name) ?? []), value])
  }
  const object = schema === undefined ? {} : document.object(schema, 'a form')
  const properties = isObject(object['properties']) ? object['properties'] : {}
  return plainObject(
    [...texts].map(([name, values]): [string, Json] => {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined
      const types = typesOf(property, document)
      if (types.has('array')) {
        const items = property === undefined ? {} : document.object(property, name)['items']
        return [name, values.map((value) => read(value, typesOf(items, document)))]
      }
      if (values.length > 1) throw refused('has a field twice')
      return [name, read(values[0] ?? '', types)]
    }),
  )
}

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the body ${why}`)
}
