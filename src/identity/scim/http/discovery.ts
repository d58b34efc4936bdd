import { COUNT_MAX } from '../resource/list-query.ts'
import { listResponse } from '../resource/list-resources.ts'
import type { Resource } from '../resource/resource-kind.ts'
import type { ResourceSchema } from '../schema/attribute.ts'
import type { Answer } from './answer.ts'

const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Schema'
const RESOURCE_TYPE = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType'
const CONFIG = 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'

/** What the server says of itself (RFC 7644, section 4); undefined: no such document. */
export function discovery(
  schemas: readonly ResourceSchema[],
  [head, id]: readonly (string | undefined)[],
  base: string,
): Answer | undefined {
  if (head === 'ServiceProviderConfig') {
    return id === undefined ? { status: 200, body: serviceProviderConfig(base) } : undefined
  }
  if (head === 'ResourceTypes')
    return oneOrAll(
      schemas.map((one) => resourceType(one, base)),
      id,
    )
  if (head !== 'Schemas') return undefined
  return oneOrAll(
    schemas.map((one) => schemaDocument(one, base)),
    id,
  )
}

function oneOrAll(all: readonly Resource[], id: string | undefined): Answer | undefined {
  if (id === undefined) return { status: 200, body: listResponse(all) }
  const one = all.find((each) => each['id'] === id)
  return one === undefined ? undefined : { status: 200, body: one }
}

function serviceProviderConfig(base: string): Resource {
  return {
    schemas: [CONFIG],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: COUNT_MAX },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'A token of this realm for provisioning',
        specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  }
}

function resourceType({ id, name, description, endpoint }: ResourceSchema, base: string): Resource {
  return {
    schemas: [RESOURCE_TYPE],
    id: name,
    name,
    description,
    endpoint,
    schema: id,
    schemaExtensions: [],
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
  }
}

function schemaDocument(
  { id, name, description, attributes }: ResourceSchema,
  base: string,
): Resource {
  return {
    schemas: [SCHEMA],
    id,
    name,
    description,
    attributes,
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${id}` },
  }
}
