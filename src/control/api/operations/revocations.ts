import { createRoute, z } from '@hono/zod-openapi'
import { authenticated } from '../authenticate.ts'
import type { Api, ApiParts } from '../environment.ts'
import { pageOf, pageQuery, tenantIdField } from '../fields.ts'
import { nextLink } from '../next-link.ts'
import { guardedRefusals, json, linkHeader, scoped } from '../responses.ts'
import { pageSchema } from '../schemas.ts'

export const listedRevocationSchema = z
  .object({
    kind: z.enum(['token', 'session', 'user', 'client', 'tenant', 'everything']),
    id: z.string().nullable(),
    at: z.iso.datetime(),
    until: z.iso.datetime().openapi({
      description: 'From then on nothing that it voids can be good any more.',
    }),
  })
  .openapi('ListedRevocation')

/** What was taken back in a realm, wherever that was asked for. */
export function addRevocations(api: Api, parts: ApiParts): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/tenants/{tenant}/revocations',
      operationId: 'listRevocations',
      summary: 'What was taken back, and still matters; the newest first.',
      tags: ['realms'],
      security: scoped('realms:read'),
      middleware: authenticated(parts, 'realms:read'),
      request: { params: z.object({ tenant: tenantIdField }), query: z.strictObject(pageQuery) },
      responses: {
        200: {
          ...json('A page of them.', pageSchema(listedRevocationSchema)),
          headers: linkHeader,
        },
        ...guardedRefusals(404),
      },
    }),
    async (context) => {
      const { tenant } = context.req.valid('param')
      const asked = pageOf(context.req.valid('query'))
      const page = await parts.plane.realms.revocations(tenant, asked, context.get('actor'))
      const items = page.items.map(({ kind, id, at, until }) => ({
        kind: kind === 'subject' ? ('user' as const) : kind,
        id: id ?? null,
        at: at.toISOString(),
        until: until.toISOString(),
      }))
      return context.json({ items, next: page.next ?? null }, 200, nextLink(context, page.next))
    },
  )
}
