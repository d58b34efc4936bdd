import { createRoute, z } from '@hono/zod-openapi'
import { authenticated, authenticatedAnyhow } from '../authenticate.ts'
import type { Api, ApiParts } from '../environment.ts'
import { tenantIdField, textField } from '../fields.ts'
import { idempotent } from '../idempotent.ts'
import {
  body,
  changeRefusals,
  guardedRefusals,
  idempotencyHeader,
  json,
  refusals,
  scoped,
} from '../responses.ts'
import { callerSchema, fourEyesSchema, revokedSchema, signInSchema } from '../schemas.ts'

const tags = ['security']

/** Where operators sign in, whether four eyes are in force, and what is done when something got out. */
export function addSecurity(api: Api, parts: ApiParts): void {
  const { operators, security } = parts.plane
  const middleware = [authenticated(parts, 'security:write'), idempotent(parts)]
  const changing = {
    method: 'post',
    tags,
    security: scoped('security:write'),
    middleware,
  } as const
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/sign-in',
      operationId: 'getSignIn',
      summary: 'Where operators sign in, and for which resource they ask tokens.',
      tags,
      security: [],
      responses: { 200: json('The place.', signInSchema), ...refusals(503, 504) },
    }),
    async (context) => context.json(await operators.signIn(), 200),
  )
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/caller',
      operationId: 'getCaller',
      summary: 'Who is asking, and what it may do.',
      tags,
      security: [{ operator: [] }],
      middleware: authenticatedAnyhow(parts),
      responses: { 200: json('The caller.', callerSchema), ...guardedRefusals() },
    }),
    (context) => {
      const { name, person, scopes, signedIn } = context.get('actor')
      return context.json(
        {
          name,
          person: person ?? null,
          scopes: [...scopes],
          roles: [...(signedIn?.roles ?? [])],
          two_factors: signedIn?.twoFactors ?? null,
        },
        200,
      )
    },
  )
  api.openapi(
    createRoute({
      method: 'get',
      path: '/v1/four-eyes',
      operationId: 'getFourEyes',
      summary: 'Since when guarded acts need a second person.',
      tags,
      security: scoped('tenants:read'),
      middleware: authenticated(parts, 'tenants:read'),
      responses: { 200: json('Since when.', fourEyesSchema), ...guardedRefusals() },
    }),
    async (context) => {
      const since = await operators.fourEyesSince()
      return context.json({ since: since?.toISOString() ?? null }, 200)
    },
  )
  api.openapi(
    createRoute({
      ...changing,
      path: '/v1/tenants/{tenant}/keys',
      operationId: 'replaceKeys',
      summary: 'Publish the realm’s next signing key; `compromised`: replace all of them now.',
      request: {
        params: z.object({ tenant: tenantIdField }),
        headers: idempotencyHeader,
        body: body(z.strictObject({ compromised: z.boolean() })),
      },
      responses: { 200: json('Done, and published.', revokedSchema), ...changeRefusals(404) },
    }),
    async (context) => {
      const { tenant } = context.req.valid('param')
      const { compromised } = context.req.valid('json')
      await security.replaceKeys(tenant, compromised, context.get('actor'))
      return context.json({ at: new Date().toISOString() }, 200)
    },
  )
  api.openapi(
    createRoute({
      ...changing,
      path: '/v1/revocations/everything',
      operationId: 'revokeEverything',
      summary: 'Void every token and session of every realm that was issued until now.',
      request: {
        headers: idempotencyHeader,
        body: body(z.strictObject({ why: textField(500) })),
      },
      responses: { 200: json('Until when.', revokedSchema), ...changeRefusals() },
    }),
    async (context) => {
      const { why } = context.req.valid('json')
      const { at } = await security.revokeEverything(why, context.get('actor'))
      return context.json({ at: at.toISOString() }, 200)
    },
  )
}
