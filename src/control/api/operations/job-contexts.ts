import { createRoute, z } from '@hono/zod-openapi'
import { createMiddleware } from 'hono/factory'
import { RingfenceError } from '../../../core/errors.ts'
import { SCOPES } from '../../../core/lease.ts'
import { CLIENT_ASSERTION_TYPE } from '../../../tokens/client-assertion.ts'
import { authenticateOperator, countingFailures } from '../authenticate.ts'
import type { Api, ApiContext, ApiEnvironment, ApiParts } from '../environment.ts'
import { given, serviceField, tenantIdField, textField } from '../fields.ts'
import { body, guardedRefusals, json, refusals, scoped } from '../responses.ts'
import { jobContextsSchema } from '../schemas.ts'

const SECONDS_MAX = 3600
const TENANTS_MAX = 1000

const requestBody = z.strictObject({
  job: z.string().regex(/^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}$/, 'a name like nightly-report'),
  service: serviceField,
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
  seconds: z.int().min(1).max(SECONDS_MAX),
  reason: textField(500),
  tenants: z.array(tenantIdField).min(1).max(TENANTS_MAX).optional(),
  client_assertion_type: z.literal(CLIENT_ASSERTION_TYPE).optional(),
  client_assertion: z.string().max(8192).optional(),
})

const assertionOnly = z.looseObject({ client_assertion: z.string().max(8192).optional() })

/**
 * Contexts for work that no user asked for. A workload proves who it is by a client assertion in the
 * body (RFC 7523) and gets contexts for its own service alone; an operator needs `jobs:write`.
 * A repeat gives other tokens and is harmless, so that `Idempotency-Key` has no meaning here.
 */
export function addJobContexts(api: Api, parts: ApiParts): void {
  /** For which service alone this caller may ask; undefined for operators. */
  const serviceOf = new WeakMap<object, string>()
  const workloadOrOperator = createMiddleware<ApiEnvironment>(async (context, next) => {
    const assertion = await assertionIn(context)
    if (assertion === undefined) {
      context.set('actor', await authenticateOperator(parts, context, 'jobs:write'))
      return next()
    }
    if (context.req.header('authorization') !== undefined) {
      throw new RingfenceError('invalid_argument', 'present one credential, not two')
    }
    const { service, ...actor } = await countingFailures(parts, context, assertion, () =>
      parts.plane.jobs.authenticate(assertion, context.get('requestId')),
    )
    context.set('actor', actor)
    serviceOf.set(context.req.raw, service)
    return next()
  })
  api.openapi(
    createRoute({
      method: 'post',
      path: '/v1/job-contexts',
      operationId: 'issueJobContexts',
      summary: 'Tenant contexts for one run of a job: for each active tenant, or those named.',
      tags: ['jobs'],
      security: [...scoped('jobs:write'), { workload: [] }],
      middleware: workloadOrOperator,
      request: { body: body(requestBody) },
      responses: {
        200: json('One context for each tenant.', jobContextsSchema),
        ...guardedRefusals(404, 409),
        ...refusals(413, 415),
      },
    }),
    async (context) => {
      const { job, service, scopes, seconds, reason, tenants } = context.req.valid('json')
      const own = serviceOf.get(context.req.raw)
      if (own !== undefined && own !== service) {
        throw new RingfenceError('forbidden', 'a workload gets contexts for its own service')
      }
      const contexts = await parts.plane.jobs.contexts(
        { job, service, scopes, seconds, reason, ...given({ tenants }) },
        context.get('actor'),
      )
      return context.json(
        {
          items: contexts.map(({ tenant, token, expiresAt }) => ({
            tenant,
            token,
            expires_at: expiresAt.toISOString(),
          })),
        },
        200,
      )
    },
  )
}

/** Read before anything else of the body is looked at. */
async function assertionIn(context: ApiContext): Promise<string | undefined> {
  try {
    return assertionOnly.parse(JSON.parse(await context.req.text())).client_assertion
  } catch {
    return undefined
  }
}
