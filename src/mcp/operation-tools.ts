import type { ApiConfig } from '../contracts/contract.ts'
import type { ApiDescription, Operation } from '../openapi/api-description.ts'
import type { Json, JsonObject } from '../openapi/json.ts'
import { type Tool, type ToolArgument, toolName } from './tool.ts'

const READING = new Set(['GET', 'HEAD'])
const BODY = 'body'

/** The operations of an API as tools: those that arguments in JSON can be made into a request of. */
export function operationTools(api: ApiConfig, description: ApiDescription): readonly Tool[] {
  return description.operations.flatMap((operation) => {
    const name = toolName(api, operation.id)
    const bodyType = bodyTypeOf(operation)
    const isOdd = operation.method === 'HEAD' || operation.method === 'OPTIONS'
    // A cookie is the browser's, and a body that is not JSON nobody could write as an argument.
    const needsMore =
      operation.parameters.some(({ in: place, required }) => place === 'cookie' && required) ||
      (operation.body?.required === true && bodyType === undefined)
    if (name === undefined || isOdd || needsMore) return []
    const places = placesOf(operation)
    return [
      {
        name,
        own: operation.id,
        description:
          operation.description ??
          operation.summary ??
          `${operation.method} ${operation.template} of ${api.name}`,
        inputSchema: schemaOf(operation, places, bodyType, description),
        scope: READING.has(operation.method) ? 'read' : 'write',
        api,
        operation: { operation, places, bodyType },
      },
    ]
  })
}

function placesOf({ parameters }: Operation): readonly ToolArgument[] {
  const own = parameters.filter((parameter) => parameter.in !== 'cookie')
  return own.map((parameter) => {
    const { name, in: place } = parameter
    const isAlone = name !== BODY && own.filter((one) => one.name === name).length === 1
    return { key: isAlone ? name : `${place}_${name}`, parameter }
  })
}

function bodyTypeOf({ body }: Operation): string | undefined {
  const ranges = body?.contents.map(({ range }) => range) ?? []
  const range = ranges.find((one) => JSON_RANGE.test(one))
  return range?.includes('*') === true ? 'application/json' : range
}

const JSON_RANGE = /^(?:\*\/\*|application\/(?:\*|json|[a-z0-9.-]+\+json))$/

function schemaOf(
  { body }: Operation,
  places: readonly ToolArgument[],
  bodyType: string | undefined,
  description: ApiDescription,
): JsonObject {
  const properties: Record<string, Json> = Object.create(null)
  const required: string[] = []
  for (const { key, parameter } of places) {
    const { schema } = parameter
    properties[key] =
      typeof schema === 'boolean' || parameter.description === undefined
        ? schema
        : { description: parameter.description, ...schema }
    if (parameter.required) required.push(key)
  }
  const content = bodyType && body?.contents.find(({ range }) => JSON_RANGE.test(range))
  if (content) {
    properties[BODY] = content.schema as Json
    if (body?.required === true) required.push(BODY)
  }
  return description.standalone({
    type: 'object',
    properties,
    required,
    additionalProperties: false,
  }) as JsonObject
}
