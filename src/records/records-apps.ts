import { OpenAPIHono } from '@hono/zod-openapi'
import type { Env, Hono } from 'hono'
import type { BlankEnv } from 'hono/types'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { routesOf, serveDocument } from '../http/described-routes.ts'
import { problemResponse } from '../http/problem.ts'
import { recordedRoutes } from '../telemetry/recorded-routes.ts'
import type { Telemetry } from '../telemetry/open-telemetry.ts'

/** Where the documents of the plane's two APIs are. */
export const TENANTS_DOCUMENT = '/ringfence/openapi.json'
export const INTAKE_DOCUMENT = '/v1/openapi.json'
const UNKNOWN_VERSION = '0.0.0'

/** Each with routes of its own, whatever it knows of who asks. */
export interface TenantsParts<A extends Env, S extends Env, B extends Env, L extends Env> {
  readonly audit: Hono<A>
  readonly sinks: Hono<S>
  readonly bills: Hono<B>
  readonly alerts: Hono<L>
}

/** What tenants reach through the gateway, and its document. */
export function tenantsApp<A extends Env, S extends Env, B extends Env, L extends Env>(
  { audit, sinks, bills, alerts }: TenantsParts<A, S, B, L>,
  {
    telemetry,
    version = UNKNOWN_VERSION,
  }: { readonly telemetry: Telemetry | undefined; readonly version?: string },
): OpenAPIHono<BlankEnv> {
  const app = new OpenAPIHono<BlankEnv>()
  if (telemetry !== undefined) app.use(recordedRoutes(telemetry.server))
  app.route('/ringfence/billing', bills)
  app.route('/ringfence/alerts', alerts)
  // Before what it stands below.
  app.route('/ringfence/audit/sinks', sinks)
  app.route('/ringfence/audit', audit)
  const info = {
    ...{ title: 'Ringfence records API', version },
    description: 'What is kept of a tenant, for its own people, at its own front door.',
  }
  const bearer = { type: 'http', scheme: 'bearer' } as const
  const description =
    'An access token of the tenant’s realm. The gateway answers for it; whose records they are is said by it and by nothing else.'
  serveDocument(app, TENANTS_DOCUMENT, info, { tenant: { ...bearer, description } })
  app.notFound(() => problemResponse(new RingfenceError('not_found', 'there is no such thing')))
  return app
}

/** What planes, services and operators reach, and its document. */
export function intakeApp(
  isReady: () => boolean,
  parts: readonly Hono[],
  version = UNKNOWN_VERSION,
): OpenAPIHono<BlankEnv> {
  const app = new OpenAPIHono<BlankEnv>()
  const route = routesOf(app, { tag: 'health', refusals: [] })
  const schema = z.strictObject({ status: z.enum(['ok', 'not ready']) })
  route(
    {
      ...{ method: 'get', path: '/healthz', id: 'getHealth', summary: 'The process runs.' },
      answers: { 200: { description: 'It does.', schema } },
    },
    (context) => context.json({ status: 'ok' }),
  )
  route(
    {
      ...{ method: 'get', path: '/readyz', id: 'getReadiness' },
      summary: 'Configuration and revocations are known.',
      answers: {
        200: { description: 'They are.', schema },
        503: { description: 'They are not, or not any more.', schema },
      },
    },
    (context) => {
      const ready = isReady()
      return context.json({ status: ready ? 'ok' : 'not ready' }, ready ? 200 : 503)
    },
  )
  for (const part of parts) app.route('/', part)
  const info = {
    ...{ title: 'Ringfence records API for operators', version },
    description:
      'Logs, bills and responses of all tenants, and what planes and services hand over.',
  }
  const bearer = { type: 'http', scheme: 'bearer' } as const
  serveDocument(app, INTAKE_DOCUMENT, info, {
    operator: {
      ...bearer,
      description: 'An operator’s token, or an access token of the operators’ realm.',
    },
    assertion: {
      ...bearer,
      description: 'A client assertion (RFC 7523) of a plane or a workload, good once.',
    },
  })
  app.notFound(() => problemResponse(new RingfenceError('not_found', 'there is no such thing')))
  app.onError((error) => problemResponse(error))
  return app
}
