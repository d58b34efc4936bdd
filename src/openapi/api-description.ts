import { RingfenceError } from '../core/errors.ts'
import { OpenApiDocument, unusable } from './document.ts'
import { type Json, type JsonObject, plainObject } from './json.ts'
import { type Parameter, parametersOf, valueOf } from './parameters.ts'
import { PathTable } from './path-table.ts'
import { RequestBody } from './request-body.ts'
import { type Schema, SchemaBook } from './schema-book.ts'
import { SchemaCompiler } from './schema-compiler.ts'
import { WORK_MAX, withinWork } from './work.ts'

/** Something that an API can be asked to do. */
export interface Operation {
  /** `operationId`, or `GET /pets/{id}` where there is none. */
  readonly id: string
  /** In capitals. */
  readonly method: string
  readonly template: string
  readonly summary: string | undefined
  readonly description: string | undefined
  readonly tags: readonly string[]
  readonly parameters: readonly Parameter[]
  readonly body: RequestBody | undefined
}

/** What of a request an operation is found by. */
export interface Asked {
  readonly method: string
  /** From the API's prefix on, encoded as it came. */
  readonly path: string
  /** With its `?`, or empty. */
  readonly query: string
  /** Values of a header field, names in lower case. */
  header(name: string): readonly string[]
}

/** A request's operation, with what its parameters mean. */
export interface CalledOperation {
  readonly operation: Operation
  readonly path: Readonly<Record<string, Json>>
  readonly query: Readonly<Record<string, Json>>
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'] as const

/** What an API's OpenAPI document describes. Nothing else of the API is served. */
export class ApiDescription {
  readonly operations: readonly Operation[]
  readonly #paths: PathTable<ReadonlyMap<string, Operation>>
  readonly #book: SchemaBook

  /** @throws RingfenceError `invalid_manifest` that says what is wrong where */
  constructor(text: string) {
    const document = new OpenApiDocument(text)
    this.#book = new SchemaBook(document)
    const compiler = new SchemaCompiler(this.#book)
    const paths = document.objects(document.root['paths'], 'paths').map(([template, item]) => {
      const found = new Map<string, Operation>()
      for (const method of METHODS) {
        if (item[method] === undefined) continue
        const where = `${method.toUpperCase()} ${template}`
        const own = document.object(item[method], where)
        const parameters = parametersOf(
          [item['parameters'], own['parameters']],
          where,
          document,
          this.#book,
          compiler,
        )
        const body = own['requestBody']
        found.set(method.toUpperCase(), {
          id: textOf(own, 'operationId') ?? where,
          method: method.toUpperCase(),
          template,
          summary: textOf(own, 'summary'),
          description: textOf(own, 'description'),
          tags: Array.isArray(own['tags'])
            ? own['tags'].filter((tag) => typeof tag === 'string')
            : [],
          parameters,
          body:
            body === undefined
              ? undefined
              : new RequestBody(body, where, document, this.#book, compiler),
        })
      }
      return [template, found] as const
    })
    this.#paths = new PathTable(paths)
    this.operations = paths.flatMap(([, found]) => [...found.values()])
    const ids = new Set(this.operations.map(({ id }) => id))
    if (ids.size !== this.operations.length) throw unusable('operationId', 'is there twice')
  }

  /**
   * The operation that a request is for.
   * @throws RingfenceError `not_found` for what is not described, `invalid_argument` for parameters
   *   that are not as they must be
   */
  operationOf(asked: Asked): CalledOperation {
    const match = this.#paths.match(asked.path)
    const { method } = asked
    const operation =
      match?.value.get(method) ?? (method === 'HEAD' ? match?.value.get('GET') : undefined)
    if (match === undefined || operation === undefined) {
      throw new RingfenceError('not_found', 'nothing is served here')
    }
    const fields = queryOf(asked.query)
    const known = new Set(
      operation.parameters.flatMap((one) => (one.in === 'query' ? [one.name] : [])),
    )
    for (const name of fields.keys()) {
      if (!known.has(name)) throw wrong('the query has a parameter that there is not')
    }
    const cookies = operation.parameters.some((one) => one.in === 'cookie')
      ? cookiesOf(asked.header('cookie'))
      : new Map<string, string[]>()
    const values = withinWork(WORK_MAX, () =>
      operation.parameters.map((parameter) => {
        const texts = textsOf(parameter, match.parameters, fields, cookies, asked)
        return [parameter, valueOf(parameter, texts)] as const
      }),
    )
    const inPlace = (place: string) =>
      plainObject(
        values.flatMap(([{ name, in: at }, value]) =>
          at === place && value !== undefined ? [[name, value] as const] : [],
        ),
      )
    return { operation, path: inPlace('path'), query: inPlace('query') }
  }

  /** A schema that stands by itself, for those who show it to others. */
  standalone(schema: Schema): Schema {
    if (typeof schema === 'boolean') return schema
    const $defs = this.#book.definitions(schema)
    return Object.keys($defs).length === 0 ? schema : { ...schema, $defs }
  }
}

function textsOf(
  { name, in: place }: Parameter,
  path: Readonly<Record<string, string>>,
  query: ReadonlyMap<string, readonly string[]>,
  cookies: ReadonlyMap<string, readonly string[]>,
  asked: Asked,
): readonly string[] {
  if (place === 'query') return query.get(name) ?? []
  if (place === 'header') return asked.header(name)
  if (place === 'cookie') return cookies.get(name) ?? []
  const text = path[name]
  return text === undefined ? [] : [text]
}

/** Strictly: what a second reader might part or decode in another way is refused. */
function queryOf(query: string): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>()
  for (const pair of query.slice(1).split('&')) {
    if (pair === '') continue
    if (pair.includes(';')) throw wrong('the query has a separator that is not used here')
    const at = pair.indexOf('=')
    const name = decoded(at === -1 ? pair : pair.slice(0, at))
    const value = decoded(at === -1 ? '' : pair.slice(at + 1))
    fields.set(name, [...(fields.get(name) ?? []), value])
  }
  return fields
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw wrong('the query is not of a form that is served here')
  }
}

function cookiesOf(values: readonly string[]): ReadonlyMap<string, string[]> {
  const cookies = new Map<string, string[]>()
  for (const pair of values.join(';').split(';')) {
    const at = pair.indexOf('=')
    if (at === -1) continue
    const name = pair.slice(0, at).trim()
    cookies.set(name, [...(cookies.get(name) ?? []), pair.slice(at + 1).trim()])
  }
  return cookies
}

function textOf(object: JsonObject, key: string): string | undefined {
  const value = object[key]
  return typeof value === 'string' && value !== '' ? value.slice(0, 2_000) : undefined
}

function wrong(message: string): RingfenceError {
  return new RingfenceError('invalid_argument', message)
}
