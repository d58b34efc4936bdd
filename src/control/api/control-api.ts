import { randomUUID } from 'node:crypto'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { createMiddleware } from 'hono/factory'
import { RingfenceError } from '../../core/errors.ts'
import { recordedRoutes } from '../../telemetry/recorded-routes.ts'
import type { ControlPlane } from '../control-plane.ts'
import type { ApiEnvironment, ControlApiOptions } from './environment.ts'
import { FailedAuthentications } from './failed-authentications.ts'
import { addApprovals } from './operations/approvals.ts'
import { addCatalogue } from './operations/catalogue.ts'
import { addGrants } from './operations/grants.ts'
import { addHealth } from './operations/health.ts'
import { addJobContexts } from './operations/job-contexts.ts'
import { addLeases } from './operations/leases.ts'
import { MANIFEST_PATHS } from './operations/manifest-parts.ts'
import { addObject } from './operations/object.ts'
import { addObjects } from './operations/objects.ts'
import { addOperators } from './operations/operators.ts'
import { addPeople } from './operations/people.ts'
import { addRealms } from './operations/realms.ts'
import { addRevocations } from './operations/revocations.ts'
import { addSecurity } from './operations/security.ts'
import { addSupport } from './operations/support.ts'
import { addTenantActs } from './operations/tenant-acts.ts'
import { addTenants } from './operations/tenants.ts'
import { addWorkflows } from './operations/workflows.ts'
import { plainTarget } from './plain-target.ts'
import { misfit, refuse } from './refusal.ts'

const BODY_BYTES_MAX = 64 * 1024
/** A caller's own request id is taken when it cannot harm a log. */
const REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$/

/** The control plane over HTTP; `docs/control-api.md` describes it, `/v1/openapi.json` in full. */
export function controlApi(plane: ControlPlane, options: ControlApiOptions): Hono<ApiEnvironment> {
  const api = new OpenAPIHono<ApiEnvironment>({
    defaultHook: (result) => {
      if (!result.success) throw misfit(result.target, result.error)
    },
  })
  const parts = {
    plane,
    options,
    failed: new FailedAuthentications(options.failedAuthenticationsPerMinute, options.addressOf),
  }
  api.use(envelope)
  if (options.telemetry !== undefined) api.use(recordedRoutes(options.telemetry))
  api.use(plainTarget)
  const limit = bodyLimit({
    maxSize: BODY_BYTES_MAX,
    onError: () => {
      throw new RingfenceError('too_large', `a body is at most ${BODY_BYTES_MAX} bytes long`)
    },
  })
  // Bodies of manifests have a limit of their own, after their sender is known.
  api.use((context, next) =>
    MANIFEST_PATHS.test(context.req.path) ? next() : limit(context, next),
  )
  for (const add of [
    addHealth,
    addTenants,
    addTenantActs,
    addLeases,
    addWorkflows,
    addApprovals,
    addCatalogue,
    addOperators,
    addPeople,
    addSecurity,
    addSupport,
    addRealms,
    addRevocations,
    addObjects,
    addObject,
    addGrants,
    addJobContexts,
  ]) {
    add(api, parts)
  }
  addDocument(api, options)
  api.notFound((context) =>
    refuse(new RingfenceError('not_found', 'there is no such resource'), context, options.log),
  )
  api.onError((error, context) => refuse(error, context, options.log))
  return api
}

/** What every answer has: an id that joins it to the log, and headers that keep it where it belongs. */
const envelope = createMiddleware<ApiEnvironment>(async (context, next) => {
  const own = context.req.header('x-request-id') ?? ''
  const requestId = REQUEST_ID.test(own) ? own : randomUUID()
  context.set('requestId', requestId)
  await next()
  context.header('x-request-id', requestId)
  context.header('cache-control', 'no-store')
  context.header('x-content-type-options', 'nosniff')
  context.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
})

function addDocument(api: OpenAPIHono<ApiEnvironment>, { version }: ControlApiOptions): void {
  const schemes = api.openAPIRegistry
  schemes.registerComponent('securitySchemes', 'operator', {
    type: 'http',
    scheme: 'bearer',
    description:
      'An operator’s token, or an access token of the operators’ realm. The scopes that an operation needs stand beside it.',
  })
  schemes.registerComponent('securitySchemes', 'webhook', {
    type: 'apiKey',
    in: 'header',
    name: 'webhook-signature',
    description: 'Standard Webhooks: HMAC-SHA256 over id, timestamp and body.',
  })
  schemes.registerComponent('securitySchemes', 'workload', {
    type: 'http',
    scheme: 'private_key_jwt',
    description: 'A client assertion in the body’s `client_assertion` (RFC 7523).',
  })
  const make = () =>
    api.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Ringfence control API',
        version,
        description: 'Tenants, their lifecycle, and what they are placed in.',
      },
    })
  let document: ReturnType<typeof make> | undefined
  // Made when it is first asked for: it takes longer than everything else here together.
  api.get('/v1/openapi.json', (context) => context.json((document ??= make())))
}
