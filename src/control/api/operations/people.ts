import { createRoute, z } from '@hono/zod-openapi'
import { parseSubject } from '../../../core/names.ts'
import { OPERATOR_ROLES } from '../../operators/roles.ts'
import { authenticated } from '../authenticate.ts'
import type { Api, ApiParts } from '../environment.ts'
import { idField, textField } from '../fields.ts'
import { idempotent } from '../idempotent.ts'
import {
  body,
  changeRefusals,
  guardedRefusals,
  idempotencyHeader,
  json,
  scoped,
} from '../responses.ts'
import { pageSchema, personSchema } from '../schemas.ts'
import { wirePerson } from '../wire.ts'

const tags = ['people']
const params = z.object({ person: idField.transform((text) => parseSubject(text)) })
const roles = z
  .array(z.enum(OPERATOR_ROLES))
  .min(1)
  .max(OPERATOR_ROLES.length)
  .refine((names) => new Set(names).size === names.length, 'each role once')

/** People of the operators' realm. More than somebody had is not given by one person alone. */
export function addPeople(api: Api, parts: ApiParts): void {
  const { people } = parts.plane
  const reading = {
    method: 'get',
    tags,
    security: scoped('operators:write'),
    middleware: authenticated(parts, 'operators:write'),
  } as const
  const middleware = [authenticated(parts, 'operators:write'), idempotent(parts)]
  const writing = { tags, security: scoped('operators:write'), middleware } as const
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/people',
      operationId: 'listPeople',
      summary: 'Everybody who works here.',
      responses: { 200: json('All of them.', pageSchema(personSchema)), ...guardedRefusals() },
    }),
    async (context) => {
      const all = await people.list()
      return context.json({ items: all.map(wirePerson), next: null }, 200)
    },
  )
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/people/{person}',
      operationId: 'getPerson',
      summary: 'One of them.',
      request: { params },
      responses: { 200: json('The person.', personSchema), ...guardedRefusals(404) },
    }),
    async (context) =>
      context.json(wirePerson(await people.get(context.req.valid('param').person)), 200),
  )
  api.openapi(
    createRoute({
      ...writing,
      method: 'post',
      path: '/v1/people',
      operationId: 'invitePerson',
      summary: 'Make an account, and mail a link by which its owner sets it up.',
      request: {
        headers: idempotencyHeader,
        body: body(
          z.strictObject({ email: z.email().max(254), display_name: textField(200), roles }),
        ),
      },
      responses: { 201: json('The person.', personSchema), ...changeRefusals() },
    }),
    async (context) => {
      const { email, display_name, roles: wanted } = context.req.valid('json')
      const invitation = { email, displayName: display_name, roles: wanted }
      const made = await people.invite(invitation, context.get('actor'))
      return context.json(wirePerson(made), 201)
    },
  )
  api.openapi(
    createRoute({
      ...writing,
      method: 'put',
      path: '/v1/people/{person}/roles',
      operationId: 'setPersonRoles',
      summary: 'What somebody is from now on. What was issued before is void.',
      request: { params, headers: idempotencyHeader, body: body(z.strictObject({ roles })) },
      responses: { 200: json('The person.', personSchema), ...changeRefusals(404) },
    }),
    async (context) => {
      const { person } = context.req.valid('param')
      const { roles: wanted } = context.req.valid('json')
      const changed = await people.setRoles(person, wanted, context.get('actor'))
      return context.json(wirePerson(changed), 200)
    },
  )
  api.openapi(
    createRoute({
      ...writing,
      method: 'delete',
      path: '/v1/people/{person}',
      operationId: 'removePerson',
      summary: 'End an account, and all that was issued to it, now.',
      request: { params, headers: idempotencyHeader },
      responses: { 200: json('The person.', personSchema), ...changeRefusals(404) },
    }),
    async (context) => {
      const removed = await people.remove(context.req.valid('param').person, context.get('actor'))
      return context.json(wirePerson(removed), 200)
    },
  )
}
