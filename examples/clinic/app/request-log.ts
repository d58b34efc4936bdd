import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { failureCode } from './problems.ts'

/** Takes one line at a time, without a line break. */
export type Log = (line: string) => void

/**
 * Logs each request as a line of JSON. It has the route's pattern and no path, query or body: those
 * hold names and record numbers.
 */
export function requestLog(log: Log): MiddlewareHandler<{ Variables: { requestId: string } }> {
  return async (c, next) => {
    const start = performance.now()
    await next()
    log(
      JSON.stringify({
        time: new Date().toISOString(),
        level: c.res.status >= 500 ? 'error' : 'info',
        event: 'request',
        request_id: c.get('requestId'),
        method: c.req.method,
        route: routePath(c),
        status: c.res.status,
        milliseconds: Math.round(performance.now() - start),
        ...(c.error === undefined ? {} : { failure: failureCode(c.error) }),
      }),
    )
  }
}
