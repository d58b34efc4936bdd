import type { IncomingMessage } from 'node:http'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import type { RealmRequest } from './realm-context.ts'

const OAUTH_METADATA = '/.well-known/oauth-authorization-server'
/** A realm by its path, and what comes below it. */
const BY_PATH = /^\/realms\/([^/?]*)(\/[^?]*)?(\?.*)?$/
/** RFC 8414, section 3.1: the well-known part goes before the issuer's path. */
const BEFORE_PATH = /^\/\.well-known\/oauth-authorization-server\/realms\/([^/?]*)(\?.*)?$/

/** Which realm a request may be for, and what it asks of it. */
export interface Addressed {
  /** The host, where it is not the platform's own: if it is a realm's, all of it is. */
  readonly domain: string | undefined
  /** The request as one to the realm that has the host. */
  readonly url: string
  /** The tenant's name in the path, and the rest of it from there on. */
  readonly byPath: { readonly tenant: TenantId; readonly url: string } | undefined
}

/** Reads whom a request is for: by its host, or else by its path. */
export function addressed(request: IncomingMessage, platformHost: string): Addressed {
  const host = request.headers.host?.toLowerCase() ?? ''
  const url = request.url?.startsWith('/') === true ? request.url : '/'
  const domain = host === platformHost || host === '' ? undefined : host.replace(/:\d+$/, '')
  return { domain, url, byPath: byPath(url) }
}

function byPath(url: string): Addressed['byPath'] {
  const before = BEFORE_PATH.exec(url)
  if (before !== null) return byTenant(before[1], `${OAUTH_METADATA}${before[2] ?? ''}`)
  const path = BY_PATH.exec(url)
  return path === null ? undefined : byTenant(path[1], `${path[2] ?? '/'}${path[3] ?? ''}`)
}

function byTenant(name: string | undefined, url: string): Addressed['byPath'] {
  try {
    return { tenant: parseTenantId(name), url }
  } catch (error) {
    if (error instanceof RingfenceError && error.code === 'invalid_tenant_id') return undefined
    throw new RingfenceError('internal', messageOf(error))
  }
}

/** Headers in which proxies say where a request came from, and clients say what they like. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'] as const

/**
 * Makes a request one below an issuer: host and protocol are the issuer's whatever was sent, and the
 * address is what the trusted proxies say, or else the other end of the connection.
 */
export function belowIssuer(
  request: IncomingMessage,
  issuer: string,
  url: string,
  proxies: number,
): RealmRequest {
  const { host, protocol, pathname } = new URL(issuer)
  const address = addressOf(request, proxies)
  for (const header of FORWARDED) delete request.headers[header]
  request.headers.host = host
  request.headers['x-forwarded-proto'] = protocol.slice(0, -1)
  request.headers['x-forwarded-for'] = address
  // Not `originalUrl`: the provider would look for the first place where `url` is in it.
  const baseUrl = pathname === '/' ? '' : pathname
  return Object.assign(request, { url, method: request.method ?? 'GET', baseUrl, address })
}

/** The last of the addresses that were added by proxies of ours, of which there are so many. */
function addressOf(request: IncomingMessage, proxies: number): string {
  const peer = request.socket.remoteAddress ?? ''
  if (proxies === 0) return peer
  const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
  return forwarded.at(-proxies)?.trim() || peer
}
