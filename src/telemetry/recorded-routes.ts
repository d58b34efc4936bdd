import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { traceOfHeaders } from './fetch-trace.ts'
import type { ServerTelemetry } from './server-telemetry.ts'
import { inTrace } from './traces/current-trace.ts'

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/**
 * Counts what an API answers, under its routes as they are declared (`GET /v1/tenants/:tenant`), and
 * makes what is logged meanwhile part of the request's trace. A tenant in a path is one that there is
 * only when the answer is good: names of refused requests are in no figure.
 */
export function recordedRoutes(telemetry: ServerTelemetry): MiddlewareHandler {
  return async (context, next) => {
    const began = performance.now()
    const trace = traceOfHeaders(context.req.raw.headers)
    await inTrace(trace, next)
    const { status } = context.res
    const method = METHODS.has(context.req.method) ? context.req.method : 'OTHER'
    telemetry.ended({
      tenant: status < 400 ? tenantIn(context.req.param('tenant')) : undefined,
      operation: `${method} ${routePath(context, -1)}`,
      status,
      milliseconds: performance.now() - began,
      trace,
    })
  }
}

function tenantIn(text: string | undefined): TenantId | undefined {
  try {
    return text === undefined ? undefined : parseTenantId(text)
  } catch {
    return undefined
  }
}
