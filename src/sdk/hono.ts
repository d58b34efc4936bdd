import type { Context, MiddlewareHandler } from 'hono'
import type { ResourceInQuestion } from './decision-client.ts'
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

/**
 * Middleware behind `tenantMiddleware`: lets those requests pass that the tenant's policies allow, and
 * answers all others. `resourceOf` says what something is done to.
 */
export function requires(
  ringfence: Ringfence,
  action: string,
  resourceOf: (context: Context<TenantEnv>) => ResourceInQuestion | Promise<ResourceInQuestion>,
): MiddlewareHandler<TenantEnv> {
  return async (c, next) => {
    try {
      await ringfence.authorize(c.get('tenantContext'), { action, resource: await resourceOf(c) })
    } catch (error) {
      const { status, headers, body } = refusalOf(error)
      return new Response(body, { status, headers })
    }
    await next()
    return undefined
  }
}
