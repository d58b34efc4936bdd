import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { AppEnv } from './app.ts'
import { failureCode } from './problems.ts'

/** Takes one line at a time, without a line break. */
export type Log = (line: string) => void

/**
 * Logs each request as a line of JSON. It has the route's pattern and no path, query or body: those
 * hold names and record numbers. Tenant and request id come from the verified context, and so agree with the
 * gateway's own log.
 */
export function requestLog(log: Log): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const start = performance.now()
    await next()
    // Undefined where no context came or is needed, whatever the type says.
    const context = c.get('tenantContext') as AppEnv['Variables']['tenantContext'] | undefined
    log(
      JSON.stringify({
        time: new Date().toISOString(),
        level: c.res.status >= 500 ? 'error' : 'info',
        event: 'request',
        request_id: context?.requestId ?? c.get('requestId'),
        ...(context === undefined ? {} : { tenant: context.tenant }),
        method: c.req.method,
        route: routePath(c),
        status: c.res.status,
        milliseconds: Math.round(performance.now() - start),
        ...(c.error === undefined ? {} : { failure: failureCode(c.error) }),
      }),
    )
  }
}
