import { createRoute, z } from '@hono/zod-openapi'
import { INNER_INPUTS, pathInputs, type RealmOperation } from '../../../administration/operation.ts'
import {
  describedOperation,
  REALM_OPERATION_NAMES,
  type RealmInput,
  type RealmListingName,
  type RealmOperationName,
} from '../../../administration/operations.ts'
import { RingfenceError } from '../../../core/errors.ts'
import type { TenantId } from '../../../core/tenant.ts'
import { realmScope } from '../../realms/realm-desk.ts'
import { authenticated } from '../authenticate.ts'
import { namesTag } from '../entity-tag.ts'
import type { Api, ApiContext, ApiParts } from '../environment.ts'
import { pageOf, pageQuery, tenantIdField } from '../fields.ts'
import { idempotent } from '../idempotent.ts'
import { nextLink } from '../next-link.ts'
import { realmTag, revisionOf } from '../realm-tag.ts'
import { misfit } from '../refusal.ts'
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
import { pageSchema } from '../schemas.ts'

const tagHeader = {
  ETag: { description: 'Its version.', schema: { type: 'string' as const } },
}
const ifMatch = z.object({ 'If-Match': z.string().optional() })
const ifNoneMatch = z.object({ 'If-None-Match': z.string().optional() })

const OPENS =
  'It can let somebody in, and needs a second person as `docs/realm-administration.md` says.'

/** Every operation of `src/administration`, below its tenant. */
export function addRealms(api: Api, parts: ApiParts): void {
  for (const name of REALM_OPERATION_NAMES) addRealmOperation(api, parts, name)
}

function addRealmOperation(api: Api, parts: ApiParts, name: RealmOperationName): void {
  const operation = describedOperation(name)
  const listing = listingOf(name)
  const scope = realmScope(operation)
  const changes = operation.act !== undefined
  const secret = operation.secret === true
  const { reads, tagged, method, status } = operation
  const headers = z.object({
    ...(changes ? idempotencyHeader.shape : {}),
    ...(reads === undefined ? {} : ifMatch.shape),
    ...(tagged && method === 'get' ? ifNoneMatch.shape : {}),
  })
  const route = createRoute({
    method,
    path: `/v1/tenants/{tenant}${operation.path}`,
    operationId: name,
    summary: operation.summary,
    ...(operation.opens === undefined ? {} : { description: OPENS }),
    tags: [operation.tag],
    security: scoped(scope),
    middleware: [authenticated(parts, scope), ...(changes ? [idempotent(parts, { secret })] : [])],
    request: { ...requestOf(operation), headers },
    responses: {
      [status]: {
        ...json(operation.summary, answerOf(operation)),
        headers: { ...(tagged ? tagHeader : {}), ...(listing === undefined ? {} : linkHeader) },
      },
      ...(tagged && method === 'get'
        ? { 304: { description: 'It is still as `If-None-Match` names it.', headers: tagHeader } }
        : {}),
      ...(method === 'get' ? guardedRefusals(404) : changeRefusals(404)),
      ...(reads === undefined ? {} : refusals(412)),
    },
  })
  const { realms, tenants } = parts.plane
  api.openapi(route, async (context) => {
    const by = context.get('actor')
    const { tenant, input, page } = readRequest(context, operation)
    if (listing !== undefined) {
      const { items, next } = await realms.list(listing, tenant, input, page, by)
      return context.json({ items, next: next ?? null }, 200, nextLink(context, next))
    }
    const condition = reads === undefined ? undefined : context.req.header('if-match')
    const if_revision =
      condition === undefined ? undefined : await matched(tenant, input, condition)
    // Whose life the tag is bound to is found before anything is done.
    const owner = tagged === true ? await tenants.get(tenant) : undefined
    const answer = await realms.ask(
      name,
      tenant,
      checked(operation, { ...input, ...(if_revision === undefined ? {} : { if_revision }) }),
      by,
    )
    if (owner === undefined) return context.json(answer, status)
    const etag = realmTag(owner, operation, answer)
    const known = method === 'get' ? context.req.header('if-none-match') : undefined
    if (known !== undefined && namesTag(known, etag, 'weak')) {
      return context.body(null, 304, { etag })
    }
    return context.json(answer, status, { etag })

    /** The revision that a matching tag stands for; the identity plane compares it once more. */
    async function matched(of: TenantId, asked: Input, tag: string): Promise<number> {
      const reading = REALM_OPERATION_NAMES.find((one) => one === reads)
      if (reading === undefined) throw new TypeError(`${name}: nothing reads what it changes`)
      const described = describedOperation(reading)
      const what = Object.fromEntries(pathInputs(described).map((one) => [one, asked[one]]))
      const present = await realms.ask(reading, of, checked(described, what), by)
      if (namesTag(tag, realmTag(await tenants.get(of), described, present), 'strong')) {
        return revisionOf(present)
      }
      throw new RingfenceError(
        'precondition_failed',
        'it has changed since it was read: read it again, then repeat the change',
      )
    }
  })
}

type Input = Readonly<Record<string, unknown>>

function listingOf(name: RealmOperationName): RealmListingName | undefined {
  const isListing = (one: RealmOperationName): one is RealmListingName =>
    'keyOf' in describedOperation(one)
  return isListing(name) ? name : undefined
}

/** Where each of an operation's inputs is in a request. */
function requestOf(operation: RealmOperation) {
  const { shape } = operation.input
  const inPath = pathInputs(operation)
  const inner: readonly string[] = INNER_INPUTS
  const rest = Object.entries(shape).filter(
    ([name]) => !inPath.includes(name) && !inner.includes(name),
  )
  const params = z.object({
    tenant: tenantIdField,
    ...Object.fromEntries(Object.entries(shape).filter(([name]) => inPath.includes(name))),
  })
  const fields = Object.fromEntries(rest)
  if (operation.method === 'get' || operation.method === 'delete') {
    const paged = 'limit' in shape ? pageQuery : {}
    return { params, query: z.strictObject({ ...fields, ...paged }) }
  }
  return rest.length === 0 ? { params } : { params, body: body(z.strictObject(fields)) }
}

function answerOf(operation: RealmOperation): z.ZodType {
  const { output } = operation
  if (!('keyOf' in operation) || !(output instanceof z.ZodObject)) return output
  const { items } = output.shape
  return items instanceof z.ZodArray ? pageSchema(items.element as z.ZodType) : output
}

/** What the validators made of the request. The types of a route that is made do not carry it. */
function readRequest(context: ApiContext, operation: RealmOperation) {
  const valid = (target: string): Input => context.req.valid(target as never) ?? {}
  const { tenant, ...path } = valid('param')
  const { limit, cursor, ...rest } = {
    ...valid('query'),
    ...(operation.method === 'get' || operation.method === 'delete' ? {} : valid('json')),
  } as { readonly limit?: number; readonly cursor?: string }
  return {
    tenant: tenant as TenantId,
    input: { ...rest, ...path } as Input,
    page: pageOf({ limit, cursor }),
  }
}

/** With what holds between fields. @throws Refusal `invalid_argument` */
function checked<N extends RealmOperationName>(
  operation: RealmOperation,
  input: Input,
): RealmInput<N> {
  const read = operation.input.safeParse(input)
  if (!read.success) {
    throw misfit(operation.method === 'delete' ? 'query' : 'json', read.error)
  }
  return input as RealmInput<N>
}
