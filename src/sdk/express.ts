import type { IncomingMessage, ServerResponse } from 'node:http'
import { RingfenceError } from '../core/errors.ts'
import type { ResourceInQuestion } from './decision-client.ts'
import { sendRefusal } from './refuse.ts'
import type { Ringfence } from './ringfence.ts'
import type { VerifiedContext } from './verified-context.ts'

/** The part of an Express response that is used. */
type Response = ServerResponse & { readonly locals: Record<string, unknown> }

const LOCAL = 'tenantContext'

/**
 * Middleware for Express 5: lets requests with a valid tenant context pass, with the context at
 * `res.locals.tenantContext`, and answers all others.
 */
export function tenantMiddleware(ringfence: Ringfence) {
  return async (request: IncomingMessage, response: Response, next: () => void): Promise<void> => {
    let context: VerifiedContext
    try {
      context = await ringfence.verifyRequest(request)
    } catch (error) {
      sendRefusal(response, error)
      return
    }
    response.locals[LOCAL] = context
    next()
  }
}

/**
 * Middleware behind `tenantMiddleware`: lets those requests pass that the tenant's policies allow, and
 * answers all others. `resourceOf` says what something is done to.
 */
export function requires<R extends IncomingMessage>(
  ringfence: Ringfence,
  action: string,
  resourceOf: (request: R) => ResourceInQuestion | Promise<ResourceInQuestion>,
) {
  return async (request: R, response: Response, next: () => void): Promise<void> => {
    try {
      const resource = await resourceOf(request)
      await ringfence.authorize(tenantContext(response), { action, resource })
    } catch (error) {
      sendRefusal(response, error)
      return
    }
    next()
  }
}

/** The request's context. @throws RingfenceError `not_authenticated` where the middleware did not run */
export function tenantContext(response: { readonly locals: object }): VerifiedContext {
  const context = (response.locals as Partial<Record<typeof LOCAL, VerifiedContext>>)[LOCAL]
  if (context === undefined) throw new RingfenceError('not_authenticated', 'no tenant context came')
  return context
}
