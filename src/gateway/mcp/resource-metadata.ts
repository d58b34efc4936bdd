import type { IncomingMessage, ServerResponse } from 'node:http'
import { toolsUrl } from '../../contracts/tools-url.ts'
import { SCOPES } from '../../core/lease.ts'
import { parseTenantId } from '../../core/tenant.ts'
import type { Configuration, TenantConfig } from '../../snapshot/snapshot.ts'
import { parseHost } from '../host.ts'
import { parseTarget, splitTenant } from '../target.ts'
import { MCP_PATH, METADATA_PATH } from './paths.ts'

/**
 * Answers who asks, without a token, where tokens for a tenant's agents come from (RFC 9728). It says
 * of a tenant what its realm's own discovery says: that there is one, and where.
 * @returns false for a request about something else
 */
export function serveMetadata(
  configuration: () => Configuration,
  request: IncomingMessage,
  response: ServerResponse,
  protocol: 'http' | 'https',
): boolean {
  const { url = '', method } = request
  if (method !== 'GET' || !url.startsWith(METADATA_PATH)) return false
  let now: Configuration
  try {
    now = configuration()
  } catch {
    return false
  }
  // Not before: Node makes an object of all fields when it is first asked for one.
  const host = request.headers.host ?? ''
  const found = toolsOf(now, url.slice(METADATA_PATH.length), host)
  if (found === undefined) return false
  const { tenant, isOfHost } = found
  const { platform } = now
  const body = JSON.stringify({
    // At the tenant's own host they are for its tools there, as section 3.3 has it. Elsewhere they are
    // for the whole API, of which this is a part.
    resource: isOfHost ? toolsUrl(protocol, host) : platform.audience,
    authorization_servers: [tenant.issuer],
    scopes_supported: SCOPES,
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA'],
    resource_name: 'tools for agents',
  })
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'public, max-age=300',
    'access-control-allow-origin': '*',
  })
  response.end(body)
  return true
}

interface Tools {
  readonly tenant: TenantConfig
  /** Asked for at the tenant's own host, where the path does not name it. */
  readonly isOfHost: boolean
}

function toolsOf(now: Configuration, rest: string, host: string): Tools | undefined {
  const target = parseTarget(rest === '' ? '/' : rest)
  if (target === undefined || target.query !== '') return undefined
  const { name, rest: path } = splitTenant(target.path)
  const ofHost = now.tenantOfHost(parseHost(host) ?? '')
  const isOfHost = name === undefined && ofHost !== undefined
  // A host as a whole is no resource by which tools are called.
  if (path !== MCP_PATH && (path !== '/' || isOfHost)) return undefined
  const tenant = name === undefined ? ofHost : ofPath(now, name)
  // As at the front door: host and path may not name two.
  if (ofHost !== undefined && ofHost !== tenant) return undefined
  return tenant === undefined || tenant.status === 'suspended' ? undefined : { tenant, isOfHost }
}

function ofPath(now: Configuration, name: string): TenantConfig | undefined {
  try {
    return now.tenant(parseTenantId(name))
  } catch {
    return undefined
  }
}
