import { createRoute, z } from '@hono/zod-openapi'
import { SCOPES } from '../../../core/lease.ts'
import {
  SUPPORT_POLICIES,
  SUPPORT_REASON_CHARACTERS_MAX,
  SUPPORT_SECONDS_MAX,
  SUPPORT_SECONDS_MIN,
  SUPPORT_STATES,
} from '../../../core/support-terms.ts'
import { authenticated } from '../authenticate.ts'
import type { Api, ApiParts } from '../environment.ts'
import { given, idField, pageOf, pageQuery, tenantIdField, textField } from '../fields.ts'
import { idempotent } from '../idempotent.ts'
import { nextLink } from '../next-link.ts'
import {
  body,
  changeRefusals,
  guardedRefusals,
  idempotencyHeader,
  json,
  linkHeader,
  refusals,
  scoped,
} from '../responses.ts'
import { pageSchema, supportKeySchema, supportPolicySchema, supportSchema } from '../schemas.ts'
import { wireKey, wireSupport } from '../wire.ts'

const tags = ['support']
const params = z.object({ support: idField })
const CONTEXT_SECONDS_MAX = 3_600

/**
 * Break-glass: an operator's access to one tenant's data. There is no operation by which an operator
 * could agree in the tenant's place: the tenant's word comes from its own realm.
 */
export function addSupport(api: Api, parts: ApiParts): void {
  const { support } = parts.plane
  const reading = {
    method: 'get',
    tags,
    security: scoped('support:read'),
    middleware: authenticated(parts, 'support:read'),
  } as const
  const asking = {
    method: 'post',
    tags,
    security: scoped('support:write'),
  } as const
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/support',
      operationId: 'listSupport',
      summary: 'Accesses that were asked for, newest first.',
      request: {
        query: z.strictObject({
          tenant: tenantIdField.optional(),
          state: z.enum(SUPPORT_STATES).optional(),
          ...pageQuery,
        }),
      },
      responses: {
        200: { ...json('A page of them.', pageSchema(supportSchema)), headers: linkHeader },
        ...guardedRefusals(),
      },
    }),
    async (context) => {
      const { tenant, state, ...query } = context.req.valid('query')
      const page = await support.list(given({ tenant, state }), pageOf(query))
      return context.json(
        { items: page.items.map(wireSupport), next: page.next ?? null },
        200,
        nextLink(context, page.next),
      )
    },
  )
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/support/{support}',
      operationId: 'getSupport',
      summary: 'One access, and all that became of it.',
      request: { params },
      responses: { 200: json('The access.', supportSchema), ...guardedRefusals(404) },
    }),
    async (context) =>
      context.json(wireSupport(await support.get(context.req.valid('param').support)), 200),
  )
  api.openapi(
    createRoute({
      ...asking,
      path: '/v1/support',
      operationId: 'requestSupport',
      summary: 'Ask for access to one tenant’s data, for a reason and a time.',
      middleware: [authenticated(parts, 'support:write'), idempotent(parts)] as const,
      request: {
        headers: idempotencyHeader,
        body: body(
          z.strictObject({
            tenant: tenantIdField,
            scope: z.enum(SCOPES).optional(),
            seconds: z.int().min(SUPPORT_SECONDS_MIN).max(SUPPORT_SECONDS_MAX),
            reason: textField(SUPPORT_REASON_CHARACTERS_MAX),
          }),
        ),
      },
      responses: { 201: json('The access.', supportSchema), ...changeRefusals(404) },
    }),
    async (context) => {
      const { scope = 'read', ...request } = context.req.valid('json')
      const made = await support.request({ ...request, scope }, context.get('actor'))
      return context.json(wireSupport(made), 201)
    },
  )
  for (const [noun, operationId, summary, scope] of [
    ['end', 'endSupport', 'Give one’s own access back. All of it ends now.', 'support:write'],
    ['revocation', 'revokeSupport', 'Take somebody’s access away, now.', 'approvals:write'],
  ] as const) {
    api.openapi(
      createRoute({
        method: 'post',
        path: `/v1/support/{support}/${noun}` as '/v1/support/{support}/end',
        operationId,
        summary,
        tags,
        security: scoped(scope),
        middleware: [authenticated(parts, scope), idempotent(parts)] as const,
        request: {
          params,
          headers: idempotencyHeader,
          body: body(z.strictObject({ why: textField(500) })),
        },
        responses: { 200: json('The access.', supportSchema), ...changeRefusals(404) },
      }),
      async (context) => {
        const { support: id } = context.req.valid('param')
        const { why } = context.req.valid('json')
        const by = context.get('actor')
        const ended =
          noun === 'end' ? await support.end(id, why, by) : await support.revoke(id, why, by)
        return context.json(wireSupport(ended), 200)
      },
    )
  }
  for (const [noun, operationId, summary] of [
    ['context', 'issueSupportContext', 'A job context for vending, while one’s access is active.'],
    ['token', 'issueSupportToken', 'A token of the tenant’s realm, while one’s access is active.'],
  ] as const) {
    api.openapi(
      createRoute({
        ...asking,
        path: `/v1/support/{support}/${noun}` as '/v1/support/{support}/context',
        operationId,
        summary,
        middleware: authenticated(parts, 'support:write'),
        request: {
          params,
          body: body(
            z.strictObject({ seconds: z.int().min(1).max(CONTEXT_SECONDS_MAX).optional() }),
          ),
        },
        responses: {
          200: json('It, this once.', supportKeySchema),
          ...guardedRefusals(404, 409),
          ...refusals(413, 415),
        },
      }),
      async (context) => {
        const { support: id } = context.req.valid('param')
        const { seconds } = context.req.valid('json')
        const by = context.get('actor')
        const key =
          noun === 'context' ? await support.context(id, seconds, by) : await support.token(id, by)
        return context.json(wireKey(key), 200)
      },
    )
  }
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/tenants/{tenant}/support-policy',
      operationId: 'getSupportPolicy',
      summary: 'Who has to agree before an operator gets at this tenant’s data.',
      request: { params: z.object({ tenant: tenantIdField }) },
      responses: { 200: json('The policy.', supportPolicySchema), ...guardedRefusals(404) },
    }),
    async (context) => {
      const { tenant } = context.req.valid('param')
      return context.json({ tenant, policy: await support.policy(tenant) }, 200)
    },
  )
  api.openapi(
    createRoute({
      method: 'put',
      path: '/v1/tenants/{tenant}/support-policy',
      operationId: 'putSupportPolicy',
      summary: 'Change who has to agree. Needs a second person itself.',
      tags,
      security: scoped('security:write'),
      middleware: [authenticated(parts, 'security:write'), idempotent(parts)] as const,
      request: {
        params: z.object({ tenant: tenantIdField }),
        headers: idempotencyHeader,
        body: body(z.strictObject({ policy: z.enum(SUPPORT_POLICIES) })),
      },
      responses: { 200: json('The policy.', supportPolicySchema), ...changeRefusals(404) },
    }),
    async (context) => {
      const { tenant } = context.req.valid('param')
      const { policy } = context.req.valid('json')
      const set = await support.setPolicy(tenant, policy, context.get('actor'))
      return context.json({ tenant, policy: set }, 200)
    },
  )
}
