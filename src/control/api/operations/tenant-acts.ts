import { createRoute, z } from '@hono/zod-openapi'
import { TIERS, type TenantId } from '../../../core/tenant.ts'
import type { Actor, WorkflowView } from '../../control-plane.ts'
import { authenticated } from '../authenticate.ts'
import type { Api, ApiParts } from '../environment.ts'
import { tenantIdField, textField } from '../fields.ts'
import { idempotent } from '../idempotent.ts'
import {
  body,
  changeRefusals,
  guardedRefusals,
  idempotencyHeader,
  json,
  locationHeader,
  scoped,
} from '../responses.ts'
import { workflowSchema } from '../schemas.ts'
import { wireWorkflow } from '../wire.ts'

const params = z.object({ tenant: tenantIdField })
const tags = ['tenants']
const why = textField(500)
const nothing: z.ZodType<object> = z.strictObject({})
/** ITE-5 of in-toto: a DSSE envelope in its JSON form. */
const RECEIPT_TYPE = 'application/vnd.dsse.envelope.v1+json'

/**
 * What is done to a tenant and takes its time. Each act is a noun below the tenant: POST it, and the
 * answer is the workflow that does it.
 */
export function addTenantActs(api: Api, parts: ApiParts): void {
  const { tenants } = parts.plane

  act('suspension', 'suspendTenant', 'End its leases and tokens now; its data stays.', {
    body: z.strictObject({ why }),
    run: (tenant, request, by) => tenants.suspend(tenant, request.why, by),
  })
  act(
    'resumption',
    'resumeTenant',
    'Serve a suspended tenant again, or continue a failed workflow at the step that failed.',
    { body: nothing, run: (tenant, _request, by) => tenants.resume(tenant, by) },
  )
  act('move', 'moveTenant', 'Move it to another tier, while it works on.', {
    body: z.strictObject({ to: z.enum(TIERS) }),
    run: (tenant, request, by) => tenants.move(tenant, request.to, by),
  })
  act('export', 'exportTenant', 'Write all that it owns into the export directory, with hashes.', {
    body: nothing,
    run: (tenant, _request, by) => tenants.export(tenant, by),
  })
  act(
    'cancellation',
    'cancelTenantWorkflow',
    'Call an offboarding off in its grace period, or a move before its cut-over.',
    { body: nothing, run: (tenant, _request, by) => tenants.cancel(tenant, by) },
  )

  api.openapi(
    createRoute({
      method: 'delete',
      path: '/v1/tenants/{tenant}',
      operationId: 'deleteTenant',
      summary: 'Export, wait for the grace period, erase, and leave a signed receipt.',
      tags,
      security: scoped('tenants:write'),
      middleware: [authenticated(parts, 'tenants:write'), idempotent(parts)] as const,
      request: {
        params,
        headers: idempotencyHeader,
        query: z.strictObject({
          purge: z
            .enum(['true', 'false'])
            .optional()
            .openapi({ description: '`true`: without a grace period.', default: 'false' }),
          why: why.optional(),
        }),
      },
      responses: {
        202: { ...json('The offboarding.', workflowSchema), headers: locationHeader },
        ...changeRefusals(404),
      },
    }),
    async (context) => {
      const query = context.req.valid('query')
      const by = context.get('actor')
      const workflow = await tenants.offboard(
        context.req.valid('param').tenant,
        { purge: query.purge === 'true', why: query.why ?? `asked for by ${by.name}` },
        by,
      )
      return context.json(wireWorkflow(workflow), 202, { location: `/v1/workflows/${workflow.id}` })
    },
  )
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/tenants/{tenant}/receipt',
      operationId: 'getReceipt',
      summary: 'The signed receipt of an erased tenant’s offboarding: a DSSE envelope.',
      tags,
      security: scoped('tenants:read'),
      middleware: authenticated(parts, 'tenants:read'),
      request: { params },
      responses: {
        200: {
          description: 'The envelope, byte for byte as it was signed and kept.',
          content: { [RECEIPT_TYPE as 'application/octet-stream']: { schema: receiptSchema } },
        },
        ...guardedRefusals(404, 409),
      },
    }),
    async (context) => {
      const envelope = await tenants.receipt(context.req.valid('param').tenant)
      return new Response(envelope, { headers: { 'content-type': RECEIPT_TYPE } })
    },
  )

  function act<B extends z.ZodType>(
    noun: string,
    operationId: string,
    summary: string,
    what: {
      readonly body: B
      readonly run: (tenant: TenantId, request: z.output<B>, by: Actor) => Promise<WorkflowView>
    },
  ): void {
    const route = createRoute({
      method: 'post',
      path: `/v1/tenants/{tenant}/${noun}` as '/v1/tenants/{tenant}/act',
      operationId,
      summary,
      tags,
      security: scoped('tenants:write'),
      middleware: [authenticated(parts, 'tenants:write'), idempotent(parts)] as const,
      // An act without particulars may come without a body.
      request: {
        params,
        headers: idempotencyHeader,
        body: { ...body(what.body), required: what.body !== nothing },
      },
      responses: {
        202: { ...json('The workflow that does it.', workflowSchema), headers: locationHeader },
        ...changeRefusals(404),
      },
    })
    api.openapi(route, async (context) => {
      // The types of a generic route do not carry what its validators made.
      const valid = (target: 'param' | 'json'): unknown => context.req.valid(target as never)
      const { tenant } = valid('param') as z.output<typeof params>
      const request = valid('json') as z.output<B>
      const workflow = await what.run(tenant, request, context.get('actor'))
      return context.json(wireWorkflow(workflow), 202, { location: `/v1/workflows/${workflow.id}` })
    })
  }
}

const receiptSchema = z
  .object({
    payload: z.string(),
    payloadType: z.string(),
    signatures: z.array(z.object({ keyid: z.string(), sig: z.string() })),
  })
  .openapi('Receipt')
