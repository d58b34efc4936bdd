import { RingfenceError } from '../../../core/errors.ts'
import type { Endpoint } from '../resource/endpoint.ts'
import { readListQuery, readSearch, readShown } from '../resource/list-query.ts'
import { entityTag, locationOf } from '../resource/meta.ts'
import { type Projection, project } from '../resource/projection.ts'
import type { Shown } from '../resource/endpoint.ts'
import type { ScimClient } from '../tokens/scim-client.ts'
import { type Answer, refusal } from './answer.ts'
import { discovery } from './discovery.ts'
import { versionsOf } from './entity-tags.ts'

/** A request of somebody who is known. */
export interface ScimRequest {
  readonly method: string
  /** Below `/scim/v2`, decoded: `['Users', id]`. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  body(): Promise<unknown>
}

const DISCOVERY = ['ServiceProviderConfig', 'ResourceTypes', 'Schemas']
/** RFC 7644, sections 3.7 and 3.11: what is not there is said to be not there. */
const NOT_IMPLEMENTED = ['Bulk', 'Me', '.search']

/** Finds what is asked for and does it. @throws ScimError, RingfenceError */
export async function route(
  endpoints: readonly Endpoint[],
  client: ScimClient,
  request: ScimRequest,
  base: string,
): Promise<Answer> {
  const { method, path } = request
  const [head = '', id, ...more] = path
  if (NOT_IMPLEMENTED.includes(head)) return refusal(501, 'this is not supported here')
  if (DISCOVERY.includes(head) && more.length === 0) {
    if (method !== 'GET') return notAllowed('GET')
    const schemas = endpoints.map(({ schema }) => schema)
    return discovery(schemas, [head, id], base) ?? notFound()
  }
  const endpoint = endpoints.find(({ schema }) => schema.endpoint === `/${head}`)
  if (endpoint === undefined || more.length > 0) return notFound()
  if (id === undefined) return onAll(endpoint, client, request, base)
  if (id === '.search') {
    if (method !== 'POST') return notAllowed('POST')
    const query = readSearch(endpoint.schema, await request.body())
    return { status: 200, body: await endpoint.list(client.tenant, query, base) }
  }
  return onOne(endpoint, client, id, request, base)
}

async function onAll(
  endpoint: Endpoint,
  client: ScimClient,
  request: ScimRequest,
  base: string,
): Promise<Answer> {
  const { schema } = endpoint
  if (request.method === 'GET') {
    const query = readListQuery(schema, request.query)
    return { status: 200, body: await endpoint.list(client.tenant, query, base) }
  }
  if (request.method !== 'POST') return notAllowed('GET, POST')
  const projection = readShown(schema, request.query)
  const made = await endpoint.create(client, await request.body(), base)
  return resourceAnswer(201, endpoint, made, projection, base)
}

async function onOne(
  endpoint: Endpoint,
  client: ScimClient,
  id: string,
  request: ScimRequest,
  base: string,
): Promise<Answer> {
  const { method } = request
  const expected = versionsOf(request.ifMatch)
  const projection = readShown(endpoint.schema, request.query)
  const answer = (shown: Shown) => resourceAnswer(200, endpoint, shown, projection, base)
  if (method === 'GET') {
    const found = await endpoint.read(client.tenant, id, base)
    const isKnown = versionsOf(request.ifNoneMatch)?.(found.version) === true
    if (isKnown) return { status: 304, headers: { etag: entityTag(found.version) } }
    return answer(found)
  }
  if (method === 'PUT') {
    return answer(await endpoint.replace(client, id, await request.body(), expected, base))
  }
  if (method === 'PATCH') {
    return answer(await endpoint.patch(client, id, await request.body(), expected, base))
  }
  if (method !== 'DELETE') return notAllowed('GET, PUT, PATCH, DELETE')
  await endpoint.remove(client.tenant, id, expected)
  return { status: 204 }
}

function resourceAnswer(
  status: number,
  { schema }: Endpoint,
  { resource, version }: Shown,
  projection: Projection,
  base: string,
): Answer {
  return {
    status,
    body: project(schema, resource, projection),
    headers: {
      etag: entityTag(version),
      location: locationOf(schema, String(resource['id']), base),
    },
  }
}

function notAllowed(allow: string): Answer {
  return refusal(405, 'the method is not allowed here', { allow })
}

function notFound(): never {
  throw new RingfenceError('not_found', 'there is no such resource')
}
