import type { Exchange } from './exchange.ts'
import type { Headers } from './headers.ts'

/**
 * What browsers take for the whole origin that an answer came from, whichever path was asked for: where
 * else the origin is served, what of it is forgotten, reported, kept or preferred.
 */
export const OF_THE_WHOLE_HOST: ReadonlySet<string> = new Set([
  'accept-ch',
  'alt-svc',
  'clear-site-data',
  'critical-ch',
  'expect-ct',
  'nel',
  'origin-agent-cluster',
  'public-key-pins',
  'report-to',
  'service-worker-allowed',
  'set-login',
  'strict-transport-security',
  'use-as-dictionary',
])
const REFERENCES = new Set(['location', 'content-location'])
/** Must be good for every path (RFC 6265bis, section 4.1.3): of one tenant alone it cannot be. */
const WHOLE_HOST_COOKIE = /^\s*__Host-/i
/** Stands for the service where a reference names no host. */
const SERVICE = 'http://service.invalid'

/** Where a tenant's answers are at home. */
interface Home {
  /** The path that names the tenant; empty where its host does. */
  readonly prefix: string
  /** Whether other tenants' answers come from the same host. */
  readonly isShared: boolean
  /** What the service does not see of its paths. */
  readonly stripped: string
  /** What the service itself may be called, and the path that its own begin with there. */
  readonly servers: readonly URL[]
  /** The path that the service was asked for. */
  readonly path: string
}

/**
 * An answer as far as it concerns its own tenant. Services do not know below which path they are: the
 * references that they give to themselves are made good, so that none leads to another tenant; and on a
 * host that tenants share, cookies hold for the tenant's own path, and what would hold for the whole
 * host is left out.
 */
export function scoped(exchange: Exchange, headers: Headers): Headers {
  if (!headers.some(([name]) => isOfHost(name) || REFERENCES.has(name))) return headers
  const home = homeOf(exchange)
  return headers.flatMap(([name, value]): Headers => {
    if (REFERENCES.has(name)) return fieldOf(name, reference(value, home))
    if (!home.isShared) return [[name, value]]
    if (OF_THE_WHOLE_HOST.has(name)) return []
    return name === 'set-cookie' ? fieldOf(name, cookie(value, home)) : [[name, value]]
  })
}

/**
 * The path below which a service is on the host that tenants share; empty on a tenant's own host. For
 * proxies that pass the answer on themselves.
 */
export function sharedScope(exchange: Exchange): string {
  const { prefix, stripped, isShared } = homeOf(exchange)
  return isShared ? prefix + stripped : ''
}

const isOfHost = (name: string) => name === 'set-cookie' || OF_THE_WHOLE_HOST.has(name)

function fieldOf(name: string, value: string | undefined): Headers {
  return value === undefined ? [] : [[name, value]]
}

function homeOf({ ofHost, pathNamesTenant, tenant, route }: Exchange): Home {
  return {
    prefix: pathNamesTenant && tenant !== undefined ? `/t/${tenant.id}` : '',
    isShared: ofHost === undefined,
    stripped: route?.api.stripPrefix === true && route.api.prefix !== '/' ? route.api.prefix : '',
    servers: (route?.upstream.config.servers ?? []).map(({ url }) => new URL(url)),
    path: route?.path ?? '/',
  }
}

/** A scheme without a host, or a tab: where that leads depends on who reads it, and from where. */
const AMBIGUOUS = /^\s*https?:(?!\/\/)|\t/i

/** Undefined for one that readers might take for different places. */
function reference(value: string, home: Home): string | undefined {
  if (AMBIGUOUS.test(value)) return undefined
  let url: URL
  try {
    url = new URL(value, SERVICE + home.path)
  } catch {
    return undefined
  }
  const server = home.servers.find(({ origin }) => origin === url.origin)
  // To somewhere else altogether, which is for the service to say.
  if (url.origin !== SERVICE && server === undefined) return value
  if (url.origin === SERVICE && home.prefix + home.stripped === '') return value
  const base = server?.pathname.replace(/\/$/, '') ?? ''
  const path = isWithin(url.pathname, base) ? url.pathname.slice(base.length) || '/' : url.pathname
  const own = ownPath(path, home)
  // Without a host before it, that would be one.
  return own.startsWith('//') ? undefined : own + url.search + url.hash
}

/** A path of the service's as callers see it. */
function ownPath(path: string, { prefix, stripped }: Home): string {
  return prefix !== '' && isWithin(path, prefix) ? path : prefix + stripped + path
}

const isWithin = (path: string, prefix: string) => path === prefix || path.startsWith(`${prefix}/`)

/** For its tenant's path alone. Undefined for one that must not be narrowed. */
function cookie(value: string, home: Home): string | undefined {
  const [pair = '', ...attributes] = value.split(';')
  if (WHOLE_HOST_COOKIE.test(pair)) return undefined
  let path = '/'
  const kept = attributes.filter((attribute) => {
    const [name = '', said = ''] = attribute.split('=', 2).map((part) => part.trim())
    if (/^path$/i.test(name)) path = said.startsWith('/') ? said : '/'
    return !/^(?:path|domain)$/i.test(name)
  })
  // Without a slash at its end it holds for the tenant's path itself as well.
  const scope = ownPath(path, home).replace(/(?<=.)\/$/, '')
  return [pair, ...kept, ` Path=${scope}`].join(';')
}
