import { createRoute, z } from '@hono/zod-openapi'
import { RingfenceError } from '../../../core/errors.ts'
import { OPERATOR_SCOPES } from '../../control-plane.ts'
import { authenticated } from '../authenticate.ts'
import type { Api, ApiParts } from '../environment.ts'
import { given, tenantIdField } from '../fields.ts'
import { idempotent } from '../idempotent.ts'
import {
  body,
  changeRefusals,
  guardedRefusals,
  idempotencyHeader,
  json,
  scoped,
} from '../responses.ts'
import { newOperatorSchema, operatorSchema, pageSchema } from '../schemas.ts'
import { wireOperator } from '../wire.ts'

const tags = ['operators']
const SECONDS_MIN = 60
const SECONDS_MAX = 366 * 24 * 3600

const name = z
  .string()
  .regex(/^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}$/, '1 to 40 of a-z, 0-9 and single hyphens inside')

const createBody = z.strictObject({
  name,
  scopes: z
    .array(z.enum(OPERATOR_SCOPES))
    .min(1)
    .max(OPERATOR_SCOPES.length)
    .refine((scopes) => new Set(scopes).size === scopes.length, 'each scope once'),
  seconds: z
    .int()
    .min(SECONDS_MIN)
    .max(SECONDS_MAX)
    .optional()
    .openapi({ description: 'How long the token is good for. Without it: until it is revoked.' }),
  tenant: tenantIdField
    .optional()
    .openapi({ description: 'For this tenant’s administrators: it reaches nothing else.' }),
})

/** Who may use this API. Nobody hands on a scope that is not their own. */
export function addOperators(api: Api, parts: ApiParts): void {
  const { operators } = parts.plane
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/operators',
      operationId: 'listOperators',
      summary: 'All operators, also those whose tokens have ended.',
      tags,
      security: scoped('operators:write'),
      middleware: authenticated(parts, 'operators:write'),
      responses: { 200: json('All of them.', pageSchema(operatorSchema)), ...guardedRefusals() },
    }),
    async (context) => {
      const all = await operators.list()
      return context.json({ items: all.map(wireOperator), next: null }, 200)
    },
  )
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/operators',
      operationId: 'createOperator',
      summary: 'Make an operator. The token is in this answer and nowhere else.',
      tags,
      security: scoped('operators:write'),
      middleware: [
        authenticated(parts, 'operators:write'),
        idempotent(parts, { secret: true }),
      ] as const,
      request: { headers: idempotencyHeader, body: body(createBody) },
      responses: {
        201: json('The operator and its token.', newOperatorSchema),
        ...changeRefusals(404),
      },
    }),
    async (context) => {
      const { name, scopes, seconds, tenant } = context.req.valid('json')
      const by = context.get('actor')
      const beyond = scopes.find((scope) => !by.scopes.includes(scope))
      if (beyond !== undefined) {
        throw new RingfenceError('forbidden', `the scope ${beyond} is not yours to hand on`)
      }
      const made = await operators.create({ name, scopes, ...given({ seconds, tenant }) }, by)
      return context.json({ operator: wireOperator(made.operator), token: made.token }, 201)
    },
  )
  api.openapi(
    createRoute({
      method: 'delete',
      path: '/v1/operators/{operator}',
      operationId: 'revokeOperator',
      summary: 'End an operator’s token now.',
      tags,
      security: scoped('operators:write'),
      middleware: [authenticated(parts, 'operators:write'), idempotent(parts)] as const,
      request: { params: z.object({ operator: name }), headers: idempotencyHeader },
      responses: { 200: json('The operator.', operatorSchema), ...changeRefusals(404) },
    }),
    async (context) => {
      const view = await operators.revoke(context.req.valid('param').operator, context.get('actor'))
      return context.json(wireOperator(view), 200)
    },
  )
}
