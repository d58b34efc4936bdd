import type { MiddlewareHandler } from 'hono'
import { refusalOf } from './refuse.ts'
import type { Ringfence } from './ringfence.ts'
import type { VerifiedContext } from './verified-context.ts'

/** What handlers behind `tenantMiddleware` find: `c.get('tenantContext')`. */
export interface TenantEnv {
  Variables: { tenantContext: VerifiedContext }
}

/**
 * Middleware for Hono 4: lets requests with a valid tenant context pass, with the context at
 * `c.get('tenantContext')`, and answers all others.
 */
export function tenantMiddleware(ringfence: Ringfence): MiddlewareHandler<TenantEnv> {
  return async (c, next) => {
    let context: VerifiedContext
    try {
      context = await ringfence.verifyRequest(c.req.raw)
    } catch (error) {
      const { status, headers, body } = refusalOf(error)
      return new Response(body, { status, headers })
    }
    c.set('tenantContext', context)
    await next()
    return undefined
  }
}
