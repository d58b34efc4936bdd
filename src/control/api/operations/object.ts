import { createRoute, z } from '@hono/zod-openapi'
import { RingfenceError } from '../../../core/errors.ts'
import { parseTenantId } from '../../../core/tenant.ts'
import { kindNamed, MANIFEST_VERSION } from '../../../manifests/kinds.ts'
import { readReference, type Reference } from '../../../manifests/manifest.ts'
import type { Actor } from '../../control-plane.ts'
import type { Applied } from '../../manifests/manifests.ts'
import { authenticated } from '../authenticate.ts'
import { namesTag } from '../entity-tag.ts'
import type { Api, ApiParts } from '../environment.ts'
import { given, pageOf, pageQuery, tenantIdField } from '../fields.ts'
import { idempotent } from '../idempotent.ts'
import { nextLink } from '../next-link.ts'
import { generationSchema, objectChangeSchema, objectSchema } from '../object-schemas.ts'
import { expectedBy, objectTag } from '../object-tag.ts'
import { wireGeneration, wireObject, wireObjectChange } from '../object-wire.ts'
import { manifestsIn, pointing } from '../read-manifest.ts'
import {
  body,
  changeRefusals,
  guardedRefusals,
  idempotencyHeader,
  json,
  linkHeader,
  scoped,
  tagHeader,
} from '../responses.ts'
import { pageSchema } from '../schemas.ts'
import { kindField, nameField, setField, whyField, writing } from './manifest-parts.ts'

const tags = ['manifests']
const generationField = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'a whole number')
  .transform(Number)
  .optional()
  .openapi({ type: 'integer', minimum: 1, description: 'As it was then. Default: as it is.' })

const putBody = z.strictObject({
  spec: z.record(z.string(), z.unknown()),
  set: setField.optional(),
  why: whyField.optional(),
})

const conditions = z.object({
  'If-Match': z.string().optional(),
  'If-None-Match': z.string().optional(),
})

/** One thing that is declared: the platform's, or a tenant's. */
export function addObject(api: Api, parts: ApiParts): void {
  const one = { kind: kindField, name: nameField }
  addAt(api, parts, { below: '/v1', of: 'Platform', params: z.object(one) })
  addAt(api, parts, {
    below: '/v1/tenants/{tenant}',
    of: 'Tenant',
    params: z.object({ tenant: tenantIdField, ...one }),
  })
}

interface OwnerPath {
  readonly below: '/v1' | '/v1/tenants/{tenant}'
  readonly of: 'Platform' | 'Tenant'
  readonly params: z.ZodObject<{ kind: typeof kindField; name: typeof nameField }>
}

function addAt(api: Api, parts: ApiParts, { below, of, params }: OwnerPath): void {
  const { manifests } = parts.plane
  const path = `${below}/objects/{kind}/{name}` as const
  const reading = {
    tags,
    security: scoped('configuration:read'),
    middleware: authenticated(parts, 'configuration:read'),
  }
  const whose = of === 'Platform' ? 'the platform’s' : 'a tenant’s'
  api.openapi(
    createRoute({
      ...reading,
      method: 'get',
      path,
      operationId: `get${of}Object`,
      summary: `One object of ${whose}, as it is or as it was.`,
      request: {
        params,
        headers: z.object({ 'If-None-Match': z.string().optional() }),
        query: z.strictObject({ generation: generationField }),
      },
      responses: {
        200: { ...json('The object.', objectSchema), headers: tagHeader },
        304: { description: 'It is still as `If-None-Match` names it.', headers: tagHeader },
        ...guardedRefusals(404),
      },
    }),
    async (context) => {
      const reference = referenceIn(context.req.valid('param'), context.req.param('tenant'))
      const { generation } = context.req.valid('query')
      const by = context.get('actor')
      if (generation !== undefined) {
        return context.json(wireObject(await manifests.generation(reference, generation, by)), 200)
      }
      const view = await manifests.get(reference, by)
      const etag = objectTag(view)
      const known = context.req.valid('header')['If-None-Match']
      if (known !== undefined && namesTag(known, etag, 'weak')) {
        return context.body(null, 304, { etag })
      }
      return context.json(wireObject(view), 200, { etag })
    },
  )
  api.openapi(
    createRoute({
      ...reading,
      method: 'get',
      path: `${path}/history`,
      operationId: `get${of}ObjectHistory`,
      summary: `Every generation of an object of ${whose}: who, when, why. Newest first.`,
      request: { params, query: z.strictObject(pageQuery) },
      responses: {
        200: {
          ...json('A page of generations.', pageSchema(generationSchema)),
          headers: linkHeader,
        },
        ...guardedRefusals(404),
      },
    }),
    async (context) => {
      const page = await manifests.history(
        referenceIn(context.req.valid('param'), context.req.param('tenant')),
        pageOf(context.req.valid('query')),
        context.get('actor'),
      )
      return context.json(
        { items: page.items.map(wireGeneration), next: page.next ?? null },
        200,
        nextLink(context, page.next),
      )
    },
  )
  api.openapi(
    createRoute({
      method: 'put',
      path,
      operationId: `put${of}Object`,
      summary: `Make an object of ${whose}, or change it to what is described.`,
      tags,
      security: scoped('configuration:write'),
      middleware: writing(parts),
      request: { params, headers: idempotencyHeader.extend(conditions.shape), body: body(putBody) },
      responses: {
        200: { ...json('What became of it.', objectChangeSchema), headers: tagHeader },
        ...changeRefusals(404, 412),
      },
    }),
    async (context) => {
      const by = context.get('actor')
      const { spec, set, why } = context.req.valid('json')
      const { kind, name, tenant } = referenceIn(
        context.req.valid('param'),
        context.req.param('tenant'),
      )
      const metadata = { name, ...given({ tenant }) }
      const at = () => '#'
      const form = { apiVersion: MANIFEST_VERSION, kind, metadata, spec }
      const read = manifestsIn([form], at)
      const expected = await conditionOf(context.req.valid('header'), { kind, name, tenant }, by)
      const applied = await pointing(read, at, () =>
        manifests.apply({ manifests: read, ...given({ set, why, expected }) }, by),
      )
      const etag = objectTag(await manifests.get({ kind, name, tenant }, by))
      return context.json(wireObjectChange(onlyChange(applied)), 200, { etag })
    },
  )
  api.openapi(
    createRoute({
      method: 'delete',
      path,
      operationId: `delete${of}Object`,
      summary: `Remove an object of ${whose}.`,
      tags,
      security: scoped('configuration:write'),
      middleware: [authenticated(parts, 'configuration:write'), idempotent(parts)] as const,
      request: {
        params,
        headers: idempotencyHeader.extend({ 'If-Match': z.string().optional() }),
        query: z.strictObject({ why: whyField.optional() }),
      },
      responses: {
        200: json('What became of it.', objectChangeSchema),
        ...changeRefusals(404, 412),
      },
    }),
    async (context) => {
      const by = context.get('actor')
      const reference = referenceIn(context.req.valid('param'), context.req.param('tenant'))
      const expected = await conditionOf(context.req.valid('header'), reference, by)
      const { why } = context.req.valid('query')
      const request = { manifests: [], remove: [reference], ...given({ why, expected }) }
      return context.json(wireObjectChange(onlyChange(await manifests.apply(request, by))), 200)
    },
  )

  function conditionOf(
    header: { 'If-Match'?: string | undefined; 'If-None-Match'?: string | undefined },
    reference: Reference,
    by: Actor,
  ) {
    return expectedBy({ ifMatch: header['If-Match'], ifNoneMatch: header['If-None-Match'] }, () =>
      manifests.get(reference, by).catch(orUndefined),
    )
  }
}

/** @param tenant of a path that names one; its form was looked at with the rest of the path */
function referenceIn(
  params: { readonly kind: string; readonly name: string },
  tenant: string | undefined,
): Reference {
  const kind = kindNamed(params.kind)
  if (kind === undefined) throw new RingfenceError('invalid_argument', 'there is no such kind')
  return readReference(kind, params.name, tenant === undefined ? undefined : parseTenantId(tenant))
}

function onlyChange({ changes }: Applied) {
  const [change] = changes
  if (change === undefined) throw new RingfenceError('internal', 'nothing became of it')
  return change
}

function orUndefined(error: unknown): undefined {
  if (error instanceof RingfenceError && error.code === 'not_found') return undefined
  throw error
}
