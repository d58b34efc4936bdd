import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { sendRefusal } from './refuse.ts'
import type { Ringfence } from './ringfence.ts'
import type { VerifiedContext } from './verified-context.ts'

export type TenantRequestListener = (
  request: IncomingMessage,
  response: ServerResponse,
  context: VerifiedContext,
) => void | Promise<void>

/**
 * A listener for Node's own http server that answers requests with a valid tenant context alone. What
 * `listener` throws is answered with a problem document.
 */
export function tenantListener(
  ringfence: Ringfence,
  listener: TenantRequestListener,
): RequestListener {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      await listener(request, response, await ringfence.verifyRequest(request))
    } catch (error) {
      sendRefusal(response, error)
    }
  }
  return (request, response) => {
    void answer(request, response)
  }
}
