import { z } from 'zod'
import type { Filter } from '../filter/filter.ts'
import { parseFilter } from '../filter/parse-filter.ts'
import type { ResourceSchema } from '../schema/attribute.ts'
import { type AttributePath, attributePath } from '../schema/attribute-path.ts'
import { ScimError } from '../scim-error.ts'
import { type Projection, readProjection } from './projection.ts'

/** Of one answer. */
export const COUNT_MAX = 200
const COUNT_DEFAULT = 100
const SEARCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest'

/** What a client asks of a list (RFC 7644, sections 3.4.2 and 3.4.3). */
export interface ListQuery {
  readonly filter: Filter | undefined
  readonly sort: { readonly by: AttributePath; readonly descending: boolean } | undefined
  /** The first that is wanted; 1 is the first of all. */
  readonly startIndex: number
  readonly count: number
  readonly projection: Projection
}

const whole = z.union([
  z.int(),
  z
    .string()
    .regex(/^[+-]?\d{1,9}$/)
    .transform(Number),
])
const names = z.union([
  z.array(z.string()),
  z.string().transform((text) => text.split(',').filter((name) => name.trim() !== '')),
])
const shape = {
  filter: z.string().optional(),
  sortBy: z.string().optional(),
  sortOrder: z.enum(['ascending', 'descending']).optional(),
  startIndex: whole.optional(),
  count: whole.optional(),
  attributes: names.optional(),
  excludedAttributes: names.optional(),
}
const parameters = z.object(shape)
const searchBody = z.object({ ...shape, schemas: z.array(z.string()) })

/** Reads the query of a GET. @throws ScimError `invalidValue`, `invalidFilter`, `invalidPath` */
export function readListQuery(schema: ResourceSchema, query: URLSearchParams): ListQuery {
  return listQuery(schema, parameters.safeParse(single(query)))
}

/** Reads the body of a search. @throws ScimError `invalidSyntax` and as `readListQuery` */
export function readSearch(schema: ResourceSchema, body: unknown): ListQuery {
  const read = searchBody.safeParse(body)
  if (read.success && !read.data.schemas.includes(SEARCH_SCHEMA)) {
    throw new ScimError('invalidSyntax', 'the schema of a search is missing')
  }
  return listQuery(schema, read)
}

/** Only which attributes are wanted. @throws ScimError `invalidValue` */
export function readShown(schema: ResourceSchema, query: URLSearchParams): Projection {
  const { attributes, excludedAttributes } = valid(parameters.safeParse(single(query)))
  return readProjection(schema, attributes, excludedAttributes)
}

function listQuery(
  schema: ResourceSchema,
  read: z.ZodSafeParseResult<z.output<typeof parameters>>,
) {
  const said = valid(read)
  return {
    filter: said.filter === undefined ? undefined : parseFilter(schema, said.filter),
    sort:
      said.sortBy === undefined
        ? undefined
        : { by: sortPath(schema, said.sortBy), descending: said.sortOrder === 'descending' },
    // RFC 7644, section 3.4.2.4: less than one is one, and less than none is none.
    startIndex: Math.max(1, said.startIndex ?? 1),
    count: Math.min(COUNT_MAX, Math.max(0, said.count ?? COUNT_DEFAULT)),
    projection: readProjection(schema, said.attributes, said.excludedAttributes),
  }
}

function sortPath(schema: ResourceSchema, text: string): AttributePath {
  const path = attributePath(schema, text)
  if (path === undefined || path === 'leftOut') {
    throw new ScimError('invalidPath', 'sortBy names an attribute that there is not')
  }
  return path
}

function valid<T>(read: z.ZodSafeParseResult<T>): T {
  if (read.success) return read.data
  const name = read.error.issues[0]?.path[0]
  throw new ScimError('invalidValue', `${String(name ?? 'the query')} is not valid`)
}

/** @throws ScimError `invalidValue` for what is there twice: it could be read in two ways */
function single(query: URLSearchParams): Readonly<Record<string, string>> {
  const entries = [...query].filter(([name]) => Object.hasOwn(shape, name))
  if (new Set(entries.map(([name]) => name)).size !== entries.length) {
    throw new ScimError('invalidValue', 'a parameter is there twice')
  }
  return Object.fromEntries(entries)
}
