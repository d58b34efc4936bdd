import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context, Env } from 'hono'
import type { BlankEnv } from 'hono/types'
import { z } from 'zod'
import { ERROR_CODES } from '../core/errors.ts'
import { PROBLEM_TYPE } from './problem.ts'

const LOOKS_AROUND = /\(\?<?[=!]/
const PROBLEM = { $ref: '#/components/schemas/Problem' } as const
const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(ERROR_CODES),
  request_id: z.string().optional(),
})
/** What refusals mean. */
const MEANINGS: Readonly<Record<number, string>> = {
  400: 'The request is not valid.',
  401: 'Nobody is known by what was presented.',
  403: 'Whoever asks may not do this.',
  404: 'There is no such thing.',
  409: 'It does not fit the present state.',
  413: 'The body is too long.',
  415: 'The body is of another type.',
  429: 'Too much: come later.',
  500: 'Trouble on our side.',
  503: 'A part of the platform is away, or there is too much at once.',
  504: 'A part of the platform did not answer in time.',
}

/** What one status is answered with. Without a schema and a type: nothing. */
export interface Answered {
  readonly description: string
  /** Default `application/json` where there is a schema. */
  readonly type?: string
  readonly schema?: z.ZodType
}

/** One operation, said where it is routed. */
export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'delete'
  /** As OpenAPI writes it: `/invoices/{number}`. */
  readonly path: string
  /** The last parameter of the path holds slashes. */
  readonly deep?: true
  readonly id: string
  readonly summary: string
  readonly query?: Readonly<Record<string, z.ZodType>>
  readonly headers?: Readonly<Record<string, z.ZodType>>
  readonly body?: { readonly type?: string; readonly schema: z.ZodType }
  readonly answers: Readonly<Record<number, Answered>>
  /** Statuses of refusals beside those of all operations of its part. */
  readonly refusals?: readonly number[]
}

/** What operations of one part have in common. */
export interface Part {
  readonly tag: string
  /** How whoever asks is known: a scheme of the document. Absent: they need not be. */
  readonly by?: string
  readonly refusals: readonly number[]
}

/**
 * Routes operations of an app, and says in the same act what each takes and answers: the document of an
 * API is made of its routes, and there is nothing beside them to be forgotten. Handlers judge for
 * themselves what they are given.
 */
export function routesOf<E extends Env>(app: OpenAPIHono<E>, part: Part) {
  return (
    operation: Operation,
    handler: (context: Context<E>) => Response | Promise<Response>,
  ): void => {
    const { method, path, deep, id, summary, body } = operation
    app.openAPIRegistry.registerPath({
      ...{ method, path, operationId: id, summary, tags: [part.tag] },
      security: part.by === undefined ? [] : [{ [part.by]: [] }],
      parameters: [
        ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => parameter('path', name)),
        ...parametersOf('query', operation.query),
        ...parametersOf('header', operation.headers),
      ],
      ...(body === undefined
        ? {}
        : {
            requestBody: {
              required: true,
              content: { [body.type ?? 'application/json']: { schema: schemaOf(body.schema) } },
            },
          }),
      responses: {
        ...Object.fromEntries(
          Object.entries(operation.answers).map(([status, one]) => [status, answerOf(one)]),
        ),
        ...Object.fromEntries(
          [...part.refusals, ...(operation.refusals ?? [])].map((status) => [
            status,
            {
              description: MEANINGS[status] ?? '',
              content: { [PROBLEM_TYPE]: { schema: PROBLEM } },
            },
          ]),
        ),
      },
    })
    const routed = path.replaceAll(/\{(\w+)\}/g, ':$1')
    app.on(method.toUpperCase(), deep === true ? routed.replace(/:\w+$/, '*') : routed, handler)
  }
}

/** Who asks, by name of the scheme. */
export type Schemes = Readonly<
  Record<string, { readonly type: 'http'; readonly scheme: string; readonly description: string }>
>

export type DocumentInfo = {
  readonly title: string
  readonly version: string
  readonly description: string
}

/** Serves the document of all that is routed below an app by the time it is first asked for. */
export function serveDocument(
  app: OpenAPIHono<BlankEnv>,
  path: string,
  info: DocumentInfo,
  schemes: Schemes,
): void {
  const registry = app.openAPIRegistry
  registry.registerComponent('schemas', 'Problem', schemaOf(problemSchema))
  for (const [name, scheme] of Object.entries(schemes)) {
    registry.registerComponent('securitySchemes', name, scheme)
  }
  const make = () => app.getOpenAPI31Document({ openapi: '3.1.0', info })
  let document: ReturnType<typeof make> | undefined
  app.get(path, (context) => context.json((document ??= make())))
}

function parametersOf(
  place: 'query' | 'header',
  named: Readonly<Record<string, z.ZodType>> | undefined,
) {
  return Object.entries(named ?? {}).map(([name, schema]) => parameter(place, name, schema))
}

function parameter(place: 'path' | 'query' | 'header', name: string, schema?: z.ZodType) {
  return {
    ...{ name, in: place },
    required: place === 'path' || (schema !== undefined && !schema.isOptional()),
    schema: schema === undefined ? { type: 'string' as const } : schemaOf(schema),
  }
}

function answerOf({ description, schema, type = 'application/json' }: Answered) {
  if (schema === undefined) {
    return type === 'application/json'
      ? { description }
      : { description, content: { [type]: { schema: {} } } }
  }
  return { description, content: { [type]: { schema: schemaOf(schema) } } }
}

/** As it is on the wire: what is read into numbers and dates is text there. */
function schemaOf(schema: z.ZodType): object {
  const { $schema: _, ...plain } = z.toJSONSchema(schema, {
    ...{ io: 'input', unrepresentable: 'any' },
    override({ jsonSchema }) {
      // Whoever matches in linear time, our own gateway too, takes no pattern that looks around.
      if (LOOKS_AROUND.test(jsonSchema.pattern ?? '')) delete jsonSchema.pattern
    },
  })
  return plain
}
