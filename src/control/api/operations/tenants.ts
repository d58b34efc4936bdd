import { createRoute, z } from '@hono/zod-openapi'
import { TIERS } from '../../../core/tenant.ts'
import { TENANT_STATUSES } from '../../control-plane.ts'
import { authenticated } from '../authenticate.ts'
import { namesTag, requireTag, tenantTag } from '../entity-tag.ts'
import type { Api, ApiParts } from '../environment.ts'
import {
  given,
  hostField,
  pageOf,
  pageQuery,
  planField,
  regionField,
  tenantIdField,
  textField,
} from '../fields.ts'
import { idempotent } from '../idempotent.ts'
import { nextLink } from '../next-link.ts'
import {
  body,
  changeRefusals,
  guardedRefusals,
  idempotencyHeader,
  json,
  linkHeader,
  locationHeader,
  scoped,
  tagHeader,
} from '../responses.ts'
import { pageSchema, statusChangeSchema, tenantSchema, workflowSchema } from '../schemas.ts'
import { wireStatusChange, wireTenant, wireWorkflow } from '../wire.ts'

const displayName = textField(200)
const hosts = z.array(hostField).max(20)
const params = z.object({ tenant: tenantIdField })
const tags = ['tenants']

const createBody = z.strictObject({
  id: tenantIdField,
  display_name: displayName,
  tier: z.enum(TIERS),
  region: regionField,
  plan: planField,
  hosts: hosts.optional(),
})

const updateBody = z
  .strictObject({
    display_name: displayName.optional(),
    plan: planField.optional(),
    hosts: hosts.optional(),
    legal_hold: z.boolean().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'names at least one field to change')

/** Tenants as things that are listed, read, asked for and described. */
export function addTenants(api: Api, parts: ApiParts): void {
  const { tenants } = parts.plane
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/tenants',
      operationId: 'listTenants',
      summary: 'All tenants, also those that are gone, by id.',
      tags,
      security: scoped('tenants:read'),
      middleware: authenticated(parts, 'tenants:read'),
      request: {
        query: z.strictObject({
          status: z.enum(TENANT_STATUSES).optional(),
          region: regionField.optional(),
          tier: z.enum(TIERS).optional(),
          ...pageQuery,
        }),
      },
      responses: {
        200: { ...json('A page of tenants.', pageSchema(tenantSchema)), headers: linkHeader },
        ...guardedRefusals(),
      },
    }),
    async (context) => {
      const { status, region, tier, ...query } = context.req.valid('query')
      const page = await tenants.list(given({ status, region, tier }), pageOf(query))
      return context.json(
        { items: page.items.map(wireTenant), next: page.next ?? null },
        200,
        nextLink(context, page.next),
      )
    },
  )
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/tenants',
      operationId: 'createTenant',
      summary: 'Ask for a tenant, and start its onboarding.',
      tags,
      security: scoped('tenants:write'),
      middleware: [authenticated(parts, 'tenants:write'), idempotent(parts)] as const,
      request: { headers: idempotencyHeader, body: body(createBody) },
      responses: {
        202: { ...json('The onboarding.', workflowSchema), headers: locationHeader },
        ...changeRefusals(404),
      },
    }),
    async (context) => {
      const { id, display_name, tier, region, plan, hosts } = context.req.valid('json')
      const workflow = await tenants.create(
        { id, displayName: display_name, tier, region, plan, ...given({ hosts }) },
        context.get('actor'),
      )
      return context.json(wireWorkflow(workflow), 202, { location: `/v1/workflows/${workflow.id}` })
    },
  )
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/tenants/{tenant}',
      operationId: 'getTenant',
      summary: 'One tenant.',
      tags,
      security: scoped('tenants:read'),
      middleware: authenticated(parts, 'tenants:read'),
      request: { params, headers: z.object({ 'If-None-Match': z.string().optional() }) },
      responses: {
        200: { ...json('The tenant.', tenantSchema), headers: tagHeader },
        304: { description: 'It is still as `If-None-Match` names it.', headers: tagHeader },
        ...guardedRefusals(404),
      },
    }),
    async (context) => {
      const tenant = await tenants.get(context.req.valid('param').tenant)
      const tag = tenantTag(tenant)
      const known = context.req.valid('header')['If-None-Match']
      if (known !== undefined && namesTag(known, tag, 'weak')) {
        return context.body(null, 304, { etag: tag })
      }
      return context.json(wireTenant(tenant), 200, { etag: tag })
    },
  )
  api.openapi(
    createRoute({
      method: 'patch',
      path: '/v1/tenants/{tenant}',
      operationId: 'updateTenant',
      summary: 'Change what a tenant is called, its plan, its hosts, or its legal hold.',
      tags,
      security: scoped('tenants:write'),
      middleware: authenticated(parts, 'tenants:write'),
      request: {
        params,
        headers: z.object({ 'If-Match': z.string().optional() }),
        body: body(updateBody),
      },
      responses: {
        200: { ...json('The tenant as it is now.', tenantSchema), headers: tagHeader },
        ...changeRefusals(404, 412),
      },
    }),
    async (context) => {
      const { tenant: id } = context.req.valid('param')
      const { display_name, plan, hosts, legal_hold } = context.req.valid('json')
      const condition = context.req.valid('header')['If-Match']
      const revision = condition === undefined ? undefined : await matched(id, condition)
      const tenant = await tenants.update(
        id,
        given({ displayName: display_name, plan, hosts, legalHold: legal_hold }),
        revision,
        context.get('actor'),
      )
      return context.json(wireTenant(tenant), 200, { etag: tenantTag(tenant) })
    },
  )
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/tenants/{tenant}/history',
      operationId: 'getTenantHistory',
      summary: 'Every change of the tenant’s status: who, when, why. Newest first.',
      tags,
      security: scoped('tenants:read'),
      middleware: authenticated(parts, 'tenants:read'),
      request: { params, query: z.strictObject(pageQuery) },
      responses: {
        200: { ...json('A page of changes.', pageSchema(statusChangeSchema)), headers: linkHeader },
        ...guardedRefusals(404),
      },
    }),
    async (context) => {
      const { tenant } = context.req.valid('param')
      const page = await tenants.history(tenant, pageOf(context.req.valid('query')))
      return context.json(
        { items: page.items.map(wireStatusChange), next: page.next ?? null },
        200,
        nextLink(context, page.next),
      )
    },
  )

  /** The revision that a matching tag stands for; the control plane compares it once more. */
  async function matched(id: z.output<typeof tenantIdField>, condition: string): Promise<number> {
    const present = await tenants.get(id)
    requireTag(condition, present)
    return present.revision
  }
}
