import { createRoute, z } from '@hono/zod-openapi'
import type { LeaseId } from '../../../core/lease.ts'
import { authenticated } from '../authenticate.ts'
import type { Api, ApiParts } from '../environment.ts'
import { clientField, idField, tenantIdField } from '../fields.ts'
import { idempotent } from '../idempotent.ts'
import { changeRefusals, guardedRefusals, idempotencyHeader, json, scoped } from '../responses.ts'
import { leaseSchema, pageSchema, revocationSchema } from '../schemas.ts'
import { wireLease, wireRevocation } from '../wire.ts'

const tags = ['leases']

/** The ledger of credentials, without the secrets, and the end of credentials. */
export function addLeases(api: Api, parts: ApiParts): void {
  const { tenants } = parts.plane
  const middleware = [authenticated(parts, 'leases:write'), idempotent(parts)]
  const revoking = {
    tags,
    method: 'delete',
    security: scoped('leases:write'),
    middleware,
    responses: {
      200: json('What was ended.', revocationSchema),
      ...changeRefusals(404),
    },
  } as const
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/tenants/{tenant}/leases',
      operationId: 'listLeases',
      summary: 'The tenant’s credentials, newest first.',
      tags,
      security: scoped('leases:read'),
      middleware: authenticated(parts, 'leases:read'),
      request: { params: z.object({ tenant: tenantIdField }) },
      responses: {
        200: json('All that the ledger holds.', pageSchema(leaseSchema)),
        ...guardedRefusals(404),
      },
    }),
    async (context) => {
      const records = await tenants.leases(context.req.valid('param').tenant)
      return context.json({ items: records.map(wireLease), next: null }, 200)
    },
  )
  api.openapi(
    createRoute({
      ...revoking,
      path: '/v1/tenants/{tenant}/leases',
      operationId: 'revokeTenantLeases',
      summary: 'End all of the tenant’s credentials and their sessions now.',
      request: { params: z.object({ tenant: tenantIdField }), headers: idempotencyHeader },
    }),
    async (context) => {
      const { tenant } = context.req.valid('param')
      const ended = await tenants.revoke(tenant, undefined, context.get('actor'))
      return context.json(wireRevocation(ended), 200)
    },
  )
  api.openapi(
    createRoute({
      ...revoking,
      path: '/v1/tenants/{tenant}/leases/{lease}',
      operationId: 'revokeLease',
      summary: 'End one credential and its sessions now. Not an error if there was none.',
      request: {
        params: z.object({ tenant: tenantIdField, lease: idField }),
        headers: idempotencyHeader,
      },
    }),
    async (context) => {
      const { tenant, lease } = context.req.valid('param')
      const ended = await tenants.revoke(tenant, lease as LeaseId, context.get('actor'))
      return context.json(wireRevocation(ended), 200)
    },
  )
  api.openapi(
    createRoute({
      ...revoking,
      path: '/v1/workloads/{client}/leases',
      operationId: 'revokeWorkloadLeases',
      summary: 'End what one workload holds, of all tenants, now.',
      request: { params: z.object({ client: clientField }), headers: idempotencyHeader },
    }),
    async (context) => {
      const { client } = context.req.valid('param')
      const ended = await tenants.revokeWorkload(client, context.get('actor'))
      return context.json(wireRevocation(ended), 200)
    },
  )
}
