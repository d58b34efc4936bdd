import type { FastifyInstance } from 'fastify'
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
