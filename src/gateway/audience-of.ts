import { toolsUrl } from '../contracts/tools-url.ts'
import type { Exchange } from './exchange.ts'
import { valueOf } from './headers.ts'

/**
 * For whom a request's token has to be: the platform's API, or, where the token says so itself, the
 * tools at the tenant's own host that are called, or that call on.
 */
export function audienceOf(exchange: Exchange, protocol: 'http' | 'https'): string {
  const own = ownTools(exchange, protocol)
  const isOwn = own !== undefined && claimedAudience(exchange.token) === own
  return isOwn ? own : exchange.configuration.platform.audience
}

function ownTools(exchange: Exchange, protocol: 'http' | 'https'): string | undefined {
  const { tenant, ofHost, pathNamesTenant, endpoint, head, incoming } = exchange
  if (tenant === undefined || ofHost !== tenant || pathNamesTenant) return undefined
  // What a tool does is a request of the same token, which only the gateway itself can make.
  const isOfTools = endpoint?.name === 'mcp' || head.inner !== undefined
  return isOfTools ? toolsUrl(protocol, valueOf(incoming, 'host') ?? '') : undefined
}

/** What a token says, unverified. It decides only by what the token is judged. */
function claimedAudience(token: string): unknown {
  try {
    const [, payload = ''] = token.split('.')
    return JSON.parse(Buffer.from(payload, 'base64url').toString()).aud
  } catch {
    return undefined
  }
}
