import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ResourceInQuestion } from './decision-client.ts'
import { refusalOf } from './refuse.ts'
import type { Ringfence } from './ringfence.ts'
import type { VerifiedContext } from './verified-context.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** On whose behalf the request is. There on routes behind the plugin `tenantPlugin`. */
    tenantContext: VerifiedContext
  }
}

/**
 * A plugin for Fastify 5: in the scope where it is registered, requests with a valid tenant context
 * pass, with the context at `request.tenantContext`, and all others are answered.
 */
export const tenantPlugin = Object.assign(
  async (app: FastifyInstance, { ringfence }: { readonly ringfence: Ringfence }) => {
    app.decorateRequest('tenantContext')
    app.addHook('onRequest', async (request, reply) => {
      try {
        request.tenantContext = await ringfence.verifyRequest(request.raw)
      } catch (error) {
        const { status, headers, body } = refusalOf(error)
        return reply.code(status).headers(headers).send(body)
      }
      return undefined
    })
  },
  // Its hook is for the scope that registers it, not for a scope of its own.
  { [Symbol.for('skip-override')]: true },
)

/**
 * A `preHandler` for routes behind `tenantPlugin`: lets those requests pass that the tenant's policies
 * allow, and answers all others. `resourceOf` says what something is done to.
 */
export function requires(
  ringfence: Ringfence,
  action: string,
  resourceOf: (request: FastifyRequest) => ResourceInQuestion | Promise<ResourceInQuestion>,
) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      const resource = await resourceOf(request)
      await ringfence.authorize(request.tenantContext, { action, resource })
    } catch (error) {
      const { status, headers, body } = refusalOf(error)
      return reply.code(status).headers(headers).send(body)
    }
    return undefined
  }
}
