import { createRoute, z } from '@hono/zod-openapi'
import { RingfenceError } from '../../../core/errors.ts'
import { authenticated, countingFailures } from '../authenticate.ts'
import type { Api, ApiParts } from '../environment.ts'
import { given, idField, pageOf, pageQuery, textField } from '../fields.ts'
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
import { APPROVAL_STATES, approvalSchema, decidedSchema, pageSchema } from '../schemas.ts'
import { wireApproval } from '../wire.ts'

const tags = ['approvals']
const params = z.object({ approval: idField })
/** The headers of Standard Webhooks. */
const WEBHOOK_HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const

/** Decisions that a second person makes, here or in a system outside. */
export function addApprovals(api: Api, parts: ApiParts): void {
  const { approvals } = parts.plane
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/approvals',
      operationId: 'listApprovals',
      summary: 'What was asked to be approved, newest first.',
      tags,
      security: scoped('tenants:read'),
      middleware: authenticated(parts, 'tenants:read'),
      request: {
        query: z.strictObject({ state: z.enum(APPROVAL_STATES).optional(), ...pageQuery }),
      },
      responses: {
        200: { ...json('A page of approvals.', pageSchema(approvalSchema)), headers: linkHeader },
        ...guardedRefusals(),
      },
    }),
    async (context) => {
      const { state, ...query } = context.req.valid('query')
      const page = await approvals.list(given({ state }), pageOf(query))
      return context.json(
        {
          items: page.items.map((one) => wireApproval(one, context.get('actor'))),
          next: page.next ?? null,
        },
        200,
        nextLink(context, page.next),
      )
    },
  )
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/approvals/{approval}',
      operationId: 'getApproval',
      summary: 'One approval.',
      tags,
      security: scoped('tenants:read'),
      middleware: authenticated(parts, 'tenants:read'),
      request: { params },
      responses: { 200: json('The approval.', approvalSchema), ...guardedRefusals(404) },
    }),
    async (context) =>
      context.json(
        wireApproval(
          await approvals.get(context.req.valid('param').approval),
          context.get('actor'),
        ),
        200,
      ),
  )
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/approvals/{approval}/decision',
      operationId: 'decideApproval',
      summary: 'Approve or refuse. Never by the operator who asked.',
      tags,
      security: scoped('approvals:write'),
      middleware: [authenticated(parts, 'approvals:write'), idempotent(parts)] as const,
      request: {
        params,
        headers: idempotencyHeader,
        body: body(z.strictObject({ approve: z.boolean(), comment: textField(1000).optional() })),
      },
      responses: { 200: json('The approval, decided.', approvalSchema), ...changeRefusals(404) },
    }),
    async (context) => {
      const { approve, comment } = context.req.valid('json')
      const decided = await approvals.decide(
        context.req.valid('param').approval,
        approve,
        comment,
        context.get('actor'),
      )
      return context.json(wireApproval(decided), 200)
    },
  )
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/approvals/webhook',
      operationId: 'receiveDecision',
      summary: 'A decision from outside, signed (Standard Webhooks). See docs/control-api.md.',
      tags,
      security: [{ webhook: [] }],
      request: {
        headers: z.object(
          Object.fromEntries(WEBHOOK_HEADERS.map((name) => [name, z.string().optional()])),
        ),
        // As bytes: the signature is over the body as it came, so that nothing parses it before.
        body: { required: true, content: { 'application/json': { schema: decisionDocument } } },
      },
      responses: {
        200: json('It was taken.', decidedSchema),
        ...refusals(400, 401, 404, 409, 413, 415, 429, 500, 503, 504),
        403: refusals(403)[403],
      },
    }),
    async (context) => {
      const headers = Object.fromEntries(
        WEBHOOK_HEADERS.map((name) => [name, context.req.header(name) ?? '']),
      )
      if (WEBHOOK_HEADERS.some((name) => headers[name] === '')) {
        throw new RingfenceError('not_authenticated', 'the message is not signed')
      }
      const text = await context.req.text()
      const view = await countingFailures(parts, context, headers['webhook-signature'] ?? '', () =>
        approvals.receiveWebhook(headers, text),
      )
      return context.json({ approval: view.id, state: view.state }, 200)
    },
  )
}

const decisionDocument = z.unknown().openapi('Decision', {
  type: 'object',
  required: ['type', 'data'],
  properties: {
    type: { type: 'string', const: 'approval.decided' },
    data: {
      type: 'object',
      required: ['approval', 'approve', 'decided_by'],
      properties: {
        approval: { type: 'string' },
        approve: { type: 'boolean' },
        decided_by: { type: 'string' },
        comment: { type: 'string' },
      },
    },
  },
})
