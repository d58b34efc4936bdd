import type { GatewayCheck } from '../gateway/check.ts'
import { type Headers, headersOf, valueOf } from '../gateway/headers.ts'
import type { RequestHead } from '../gateway/request-head.ts'
import { guardsOf } from '../guardrails/guards.ts'
import { onlyByGateway } from './proxy-checks.ts'

/**
 * Over HTTP/1.1 a request says whether it has a body. Over later versions it need not, and a proxy that
 * asks before it has read any does not know.
 */
export function saysItsBody(
  { rawHeaders }: Pick<RequestHead, 'rawHeaders'>,
  protocol: string,
): boolean {
  if (/^HTTP\/1\.[01]$/.test(protocol)) return true
  const fields: Headers = headersOf(rawHeaders)
  return ['content-length', 'transfer-encoding'].some((name) => valueOf(fields, name) !== undefined)
}

/** Where bodies are looked at, a request that does not say whether it has one is the gateway's own. */
export const BODIES_THAT_ARE_SAID: GatewayCheck = {
  name: 'bodies-that-are-said',
  run({ route, tenant, configuration }) {
    if (route === undefined || tenant === undefined) return
    const { api } = route
    const looks = guardsOf(configuration, tenant).rules(api.name, 'request').looks
    if (looks || api.openapi !== undefined) throw onlyByGateway('a body that it does not know of')
  },
}
