import { RingfenceError } from '../core/errors.ts'
import { type OpenApiDocument, unusable } from './document.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import type { Schema, SchemaBook } from './schema-book.ts'
import type { SchemaCompiler, Validator } from './schema-compiler.ts'

const PLACES = ['path', 'query', 'header', 'cookie'] as const
type Place = (typeof PLACES)[number]

export interface Parameter {
  readonly name: string
  readonly in: Place
  readonly required: boolean
  readonly description: string | undefined
  readonly schema: Schema
  /** What parts a list in one text; undefined where each has a field of its own. */
  readonly separator: string | undefined
  readonly types: ReadonlySet<string>
  readonly itemTypes: ReadonlySet<string>
  readonly check: Validator
}

/** The default style of each place, and what parts lists in it. */
const STYLES: Readonly<Record<Place, Readonly<Record<string, string>>>> = {
  path: { simple: ',' },
  header: { simple: ',' },
  cookie: { form: ',' },
  query: { form: ',', spaceDelimited: ' ', pipeDelimited: '|' },
}
/** OpenAPI says that what is written of them does not count. */
const ELSEWHERE = new Set(['accept', 'content-type', 'authorization'])

/** @throws RingfenceError `invalid_manifest` */
export function parametersOf(
  lists: readonly (Json | undefined)[],
  where: string,
  document: OpenApiDocument,
  book: SchemaBook,
  compiler: SchemaCompiler,
): readonly Parameter[] {
  const found = new Map<string, Parameter>()
  // Those of the operation come later, and win over those of the path.
  for (const list of lists) {
    if (list === undefined) continue
    if (!Array.isArray(list)) throw unusable(where, 'has parameters that are not a list')
    const own = new Set<string>()
    for (const one of list as readonly Json[]) {
      const parameter = parameterOf(document.object(one, where), where, document, book, compiler)
      if (parameter === undefined) continue
      const key = `${parameter.in} ${parameter.name}`
      if (own.has(key)) throw unusable(where, `has the parameter ${parameter.name} twice`)
      own.add(key)
      found.set(key, parameter)
    }
  }
  return [...found.values()]
}

function parameterOf(
  value: JsonObject,
  where: string,
  document: OpenApiDocument,
  book: SchemaBook,
  compiler: SchemaCompiler,
): Parameter | undefined {
  const place = PLACES.find((one) => one === value['in'])
  const spelled = value['name']
  if (place === undefined || typeof spelled !== 'string' || spelled === '') {
    throw unusable(where, 'has a parameter without a name or a place')
  }
  const name = place === 'header' ? spelled.toLowerCase() : spelled
  if (place === 'header' && ELSEWHERE.has(name)) return undefined
  const at = `${where} ${name}`
  if (value['content'] !== undefined) throw unusable(at, 'has a media type, which is not supported')
  const [standard = ''] = Object.keys(STYLES[place])
  const style = typeof value['style'] === 'string' ? value['style'] : standard
  const separator = STYLES[place][style]
  if (separator === undefined) throw unusable(at, 'has a style that is not supported')
  const explode = value['explode'] ?? style === 'form'
  const schema = book.write(value['schema'], at)
  const types = typesOf(value['schema'], document)
  if (types.has('object')) throw unusable(at, 'is an object, which is not supported')
  let check: Validator | undefined
  return {
    name,
    in: place,
    required: place === 'path' || value['required'] === true,
    description: typeof value['description'] === 'string' ? value['description'] : undefined,
    schema,
    separator: place === 'query' && explode === true ? undefined : separator,
    types,
    itemTypes: typesOf(itemsOf(value['schema'], document), document),
    // Compiling takes milliseconds: an API that is never called costs none.
    check: (one) => (check ??= compiler.compile(schema))(one),
  }
}

/**
 * What a parameter's texts mean.
 * @throws RingfenceError `invalid_argument` that names the parameter and repeats no value
 */
export function valueOf(parameter: Parameter, texts: readonly string[]): Json | undefined {
  const { name, required, types, itemTypes, separator, check } = parameter
  const [text] = texts
  if (text === undefined) {
    if (required) throw new RingfenceError('invalid_argument', `the parameter ${name} is missing`)
    return undefined
  }
  const isList = types.has('array')
  // Of two texts for one value, two readers take one each.
  if (!(isList && separator === undefined) && texts.length > 1) throw wrong(name)
  const value = isList
    ? (separator === undefined ? texts : text.split(separator)).map((one) => read(one, itemTypes))
    : read(text, types)
  if (check(value) !== undefined) throw wrong(name)
  return value
}

function wrong(name: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the parameter ${name} is not as it must be`)
}

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/

/** A text as the type that it is of. */
export function read(text: string, types: ReadonlySet<string>): Json {
  if (types.has('string') || types.size === 0) return text
  if ((types.has('number') || types.has('integer')) && NUMBER.test(text) && text.length <= 40) {
    return Number(text)
  }
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

const DEPTH_MAX = 20

/** The types that a schema allows, as far as it says; none when it does not. */
export function typesOf(
  value: Json | undefined,
  document: OpenApiDocument,
  depth = DEPTH_MAX,
): ReadonlySet<string> {
  if (!isObject(value) || depth === 0) return new Set()
  const reference = value['$ref']
  if (typeof reference === 'string') return typesOf(document.at(reference), document, depth - 1)
  const type = value['type']
  if (typeof type === 'string') return new Set([type])
  if (Array.isArray(type)) return new Set(type.filter((one) => typeof one === 'string'))
  const found = new Set<string>()
  for (const keyword of ['allOf', 'anyOf', 'oneOf']) {
    const inside = value[keyword]
    if (!Array.isArray(inside)) continue
    for (const one of inside as readonly Json[]) {
      for (const name of typesOf(one, document, depth - 1)) found.add(name)
    }
  }
  return found
}

function itemsOf(value: Json | undefined, document: OpenApiDocument): Json | undefined {
  if (!isObject(value)) return undefined
  const reference = value['$ref']
  if (typeof reference === 'string') return itemsOf(document.object(value, reference), document)
  return value['items']
}
