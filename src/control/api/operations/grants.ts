import { createRoute, z } from '@hono/zod-openapi'
import { grantUseSchema } from '../../../administration/grant-uses.ts'
import { grantSchema } from '../../../contracts/grant.ts'
import { SCOPES } from '../../../core/lease.ts'
import { parseGrantId } from '../../../core/names.ts'
import { RingfenceError } from '../../../core/errors.ts'
import { GRANT_STATES, type GrantOffer, type GrantView } from '../../grants/grants.ts'
import { authenticated } from '../authenticate.ts'
import type { Api, ApiParts } from '../environment.ts'
import { named, pageOf, pageQuery, tenantIdField, textField } from '../fields.ts'
import { idempotent } from '../idempotent.ts'
import { nextLink } from '../next-link.ts'
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

const tags = ['grants']
const grantField = named(parseGrantId, 'gr-0123456789abcdef0123')
const params = z.object({ grant: grantField })
const time = z.iso.datetime()

const offerBody = z.strictObject({
  grantee: tenantIdField,
  subject: textField(200),
  scopes: z.array(z.enum(SCOPES)).min(1).max(2),
  apis: z.array(z.string().min(1).max(40)).min(1).max(50),
  actions: z.array(textField(200)).min(1).max(100),
  resources: z.array(textField(500)).min(1).max(100),
  not_before: time,
  expires: time,
  bills: z.enum(['grantor', 'grantee']),
})

export const wireGrantSchema = z
  .object({
    id: z.string(),
    grantor: z.string(),
    grantee: z.string(),
    subject: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    apis: z.array(z.string()),
    actions: z.array(z.string()),
    resources: z.array(z.string()),
    not_before: time,
    expires: time,
    bills: z.enum(['grantor', 'grantee']),
    state: z.enum(GRANT_STATES),
    events: z.array(
      z.object({
        what: z.enum(['offered', 'accepted', 'refused', 'revoked']),
        at: time,
        side: z.enum(['grantor', 'grantee', 'operator']),
        by: z
          .string()
          .nullable()
          .openapi({ description: 'Null: it is the other side’s business.' }),
      }),
    ),
  })
  .openapi('Grant')
export type WireGrant = z.infer<typeof wireGrantSchema>

/** What tenants let principals of others do: each side by its own administrator. */
export function addGrants(api: Api, parts: ApiParts): void {
  const { grants } = parts.plane
  const reading = {
    method: 'get',
    tags,
    security: scoped('configuration:read'),
    middleware: authenticated(parts, 'configuration:read'),
  } as const
  const writing = {
    method: 'post',
    tags,
    security: scoped('configuration:write'),
  } as const
  const guards = () => [authenticated(parts, 'configuration:write'), idempotent(parts)]
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/grants',
      operationId: 'listGrants',
      summary: 'One’s own grants, given and got, newest first; 500 at most.',
      responses: {
        200: json('The grants.', z.object({ items: z.array(wireGrantSchema) }).openapi('Grants')),
        ...guardedRefusals(),
      },
    }),
    async (context) => {
      const items = await grants.list(context.get('actor'))
      return context.json({ items: items.map(wireGrant) }, 200)
    },
  )
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/grants/{grant}',
      operationId: 'getGrant',
      summary: 'One grant, and who agreed to it.',
      request: { params },
      responses: { 200: json('The grant.', wireGrantSchema), ...guardedRefusals(404) },
    }),
    async (context) => {
      const { grant } = context.req.valid('param')
      return context.json(wireGrant(await grants.get(grant, context.get('actor'))), 200)
    },
  )
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/grants/{grant}/uses',
      operationId: 'listUsesOfGrant',
      summary: 'Tokens that were issued under a grant, by the own record; the newest first.',
      request: { params, query: z.strictObject(pageQuery) },
      responses: {
        200: { ...json('A page of them.', pageSchema(grantUseSchema)), headers: linkHeader },
        ...guardedRefusals(404),
      },
    }),
    async (context) => {
      const { grant } = context.req.valid('param')
      const page = pageOf(context.req.valid('query'))
      const { items, next } = await grants.uses(grant, page, context.get('actor'))
      return context.json({ items: [...items], next: next ?? null }, 200, nextLink(context, next))
    },
  )
  api.openapi(
    createRoute({
      ...writing,
      middleware: guards(),
      path: '/v1/grants',
      operationId: 'offerGrant',
      summary: 'Offer a principal of another tenant to do something named, for a time.',
      request: { headers: idempotencyHeader, body: body(offerBody) },
      responses: { 201: json('The grant.', wireGrantSchema), ...changeRefusals(404) },
    }),
    async (context) => {
      const offer = offerOf(context.req.valid('json'))
      return context.json(wireGrant(await grants.offer(offer, context.get('actor'))), 201)
    },
  )
  for (const [noun, operationId, summary, act] of [
    ['acceptance', 'acceptGrant', 'Accept what is offered to the own tenant.', 'accept'],
    ['refusal', 'refuseGrant', 'Refuse what is offered to the own tenant.', 'refuse'],
    ['revocation', 'revokeGrant', 'End a grant, by either side, now.', 'revoke'],
  ] as const) {
    api.openapi(
      createRoute({
        ...writing,
        middleware: guards(),
        path: `/v1/grants/{grant}/${noun}` as '/v1/grants/{grant}/acceptance',
        operationId,
        summary,
        request: { params, headers: idempotencyHeader, body: body(z.strictObject({})) },
        responses: { 200: json('The grant.', wireGrantSchema), ...changeRefusals(404) },
      }),
      async (context) => {
        const { grant } = context.req.valid('param')
        return context.json(wireGrant(await grants[act](grant, context.get('actor'))), 200)
      },
    )
  }
}

function offerOf({ not_before, ...rest }: z.output<typeof offerBody>): GrantOffer {
  const result = grantSchema.omit({ id: true }).safeParse({ ...rest, notBefore: not_before })
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new RingfenceError('invalid_argument', `${issue?.path.join('.')}: ${issue?.message}`)
}

function wireGrant({ notBefore, events, ...rest }: GrantView): WireGrant {
  return {
    ...rest,
    not_before: notBefore,
    events: events.map(({ at, by, ...event }) => ({
      ...event,
      at: at.toISOString(),
      by: by ?? null,
    })),
  }
}
