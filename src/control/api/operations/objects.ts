import { createRoute, z } from '@hono/zod-openapi'
import { kindNamed, MANIFEST_KINDS } from '../../../manifests/kinds.ts'
import { readReference } from '../../../manifests/manifest.ts'
import { authenticated } from '../authenticate.ts'
import type { Api, ApiParts } from '../environment.ts'
import { given, pageOf, pageQuery, tenantIdField } from '../fields.ts'
import { nextLink } from '../next-link.ts'
import { appliedSchema, driftSchema, manifestForm, objectSchema } from '../object-schemas.ts'
import { wireApplied, wireDrift, wireObject } from '../object-wire.ts'
import { manifestsIn, pointing } from '../read-manifest.ts'
import {
  body,
  changeRefusals,
  guardedRefusals,
  idempotencyHeader,
  json,
  linkHeader,
  scoped,
} from '../responses.ts'
import { pageSchema } from '../schemas.ts'
import { kindField, nameField, setField, whyField, writing } from './manifest-parts.ts'

const tags = ['manifests']
const OBJECTS_MAX = 1_000

const applyBody = z.strictObject({
  objects: z.array(manifestForm).max(OBJECTS_MAX),
  remove: z
    .array(
      z.strictObject({
        kind: z.enum(MANIFEST_KINDS),
        name: nameField,
        tenant: tenantIdField.optional(),
      }),
    )
    .max(OBJECTS_MAX)
    .optional(),
  set: setField.optional().openapi({ description: 'They belong together from now on.' }),
  prune: z
    .boolean()
    .optional()
    .openapi({ description: 'What is of the set and not among the objects goes.' }),
  dry_run: z.boolean().optional(),
  why: whyField.optional(),
})

/** Manifests together: applied, listed, compared with what is in force. */
export function addObjects(api: Api, parts: ApiParts): void {
  const { manifests } = parts.plane
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/apply',
      operationId: 'applyObjects',
      summary: 'Make everything as it is described, or nothing.',
      tags,
      security: scoped('configuration:write'),
      middleware: writing(parts),
      request: { headers: idempotencyHeader, body: body(applyBody) },
      responses: {
        200: json('What became of each.', appliedSchema),
        ...changeRefusals(404),
      },
    }),
    async (context) => {
      const { objects, remove, set, prune, dry_run, why } = context.req.valid('json')
      const at = (index: number) => `#/objects/${index}`
      const read = manifestsIn(objects, at)
      const gone = remove?.map(({ kind, name, tenant }) => readReference(kind, name, tenant))
      const request = { manifests: read, ...given({ remove: gone, set, prune, why }) }
      const applied = await pointing(read, at, () =>
        manifests.apply({ ...request, dryRun: dry_run === true }, context.get('actor')),
      )
      return context.json(wireApplied(applied), 200)
    },
  )
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/objects',
      operationId: 'listObjects',
      summary: 'Everything that is declared, by owner, kind and name.',
      tags,
      security: scoped('configuration:read'),
      middleware: authenticated(parts, 'configuration:read'),
      request: {
        query: z.strictObject({
          kind: kindField.optional(),
          tenant: tenantIdField.optional(),
          set: setField.optional(),
          ...pageQuery,
        }),
      },
      responses: {
        200: { ...json('A page of objects.', pageSchema(objectSchema)), headers: linkHeader },
        ...guardedRefusals(),
      },
    }),
    async (context) => {
      const { kind, tenant, set, ...query } = context.req.valid('query')
      const filter = given({ kind: kind === undefined ? undefined : kindNamed(kind), tenant, set })
      const page = await manifests.list(filter, pageOf(query), context.get('actor'))
      return context.json(
        { items: page.items.map(wireObject), next: page.next ?? null },
        200,
        nextLink(context, page.next),
      )
    },
  )
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/drift',
      operationId: 'getDrift',
      summary: 'Where the signed configuration in force differs from what was declared.',
      tags,
      security: scoped('configuration:read'),
      middleware: authenticated(parts, 'configuration:read'),
      responses: { 200: json('All differences.', driftSchema), ...guardedRefusals(404) },
    }),
    async (context) => context.json(wireDrift(await manifests.drift(context.get('actor'))), 200),
  )
}
