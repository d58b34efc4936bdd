import type { ApiConfig } from '../contracts/contract.ts'
import type { UpstreamConfig } from '../contracts/upstream.ts'
import {
  type ApiName,
  ownService,
  parseApiName,
  parseUpstreamName,
  type ServiceName,
} from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import { derived } from '../snapshot/derived.ts'
import type { Configuration, PlatformConfig, TenantConfig } from '../snapshot/snapshot.ts'

/** Where a request goes: an API of its tenant's own surface. */
export interface Route {
  readonly api: ApiConfig
  /** The path from the API's prefix on: `/` at least. */
  readonly inside: string
  /** The path that the upstream gets. */
  readonly path: string
  readonly upstream: RouteUpstream
}

export interface RouteUpstream {
  readonly owner: 'platform' | TenantId
  readonly config: UpstreamConfig
  /** For whom the tenant context is signed. */
  readonly audience: ServiceName
  /** Names it among all tenants' and the platform's. */
  readonly key: string
}

interface Entry {
  readonly api: ApiConfig
  readonly upstream: RouteUpstream
}

/**
 * The APIs of a tenant: its own contract's, or its plan's, or one for each service; and those services
 * that are every tenant's, whose paths no contract takes from them.
 */
export const surfaceOf = derived((tenant, platform): readonly Entry[] => {
  const always = platform.services.filter(({ everyTenant }) => everyTenant === true)
  const isTaken = ({ prefix }: ApiConfig) =>
    always.some((one) => prefix === one.prefix || prefix.startsWith(`${one.prefix}/`))
  const others = apisOf(tenant, platform).filter((api) => !isTaken(api))
  return [...always.map(apiOfService), ...others].flatMap((api) => {
    const upstream = upstreamOf(api, tenant, platform)
    // One that is not there serves nothing: it is not looked for anywhere else.
    return upstream === undefined ? [] : [{ api, upstream }]
  })
})

/** The API with the longest prefix, in whole segments, of a path. MCP servers have no paths of their own. */
export function routeOf(
  configuration: Configuration,
  tenant: TenantConfig,
  path: string,
): Route | undefined {
  let best: Entry | undefined
  for (const entry of surfaceOf(configuration, tenant)) {
    const { prefix, kind } = entry.api
    const matches = prefix === '/' || path === prefix || path.startsWith(`${prefix}/`)
    if (!matches || kind === 'mcp') continue
    if (best === undefined || prefix.length > best.api.prefix.length) best = entry
  }
  if (best === undefined) return undefined
  const { api, upstream } = best
  const inside = api.prefix === '/' ? path : path.slice(api.prefix.length) || '/'
  return { api, upstream, inside, path: api.stripPrefix === true ? inside : path }
}

/** The MCP server of a tenant's surface that a name says. Only the gateway itself asks for one. */
export function serverRoute(
  configuration: Configuration,
  tenant: TenantConfig,
  name: ApiName,
): Route | undefined {
  const entry = surfaceOf(configuration, tenant).find(
    ({ api }) => api.kind === 'mcp' && api.name === name,
  )
  if (entry === undefined) return undefined
  // Its URL is the server, whole; only an origin needs a path.
  const isOrigin = entry.upstream.config.servers.every(({ url }) => new URL(url).pathname === '/')
  return { ...entry, inside: '/', path: isOrigin ? '/' : '' }
}

function apisOf(tenant: TenantConfig, platform: PlatformConfig): readonly ApiConfig[] {
  if (tenant.contract !== undefined) return tenant.contract.apis
  const plan = platform.plans.find(({ name }) => name === tenant.plan)
  if (plan?.contract !== undefined) {
    return platform.contracts?.find(({ name }) => name === plan.contract)?.apis ?? []
  }
  return platform.services.map(apiOfService)
}

function apiOfService({ name, prefix }: PlatformConfig['services'][number]): ApiConfig {
  return {
    name: parseApiName(name),
    prefix,
    upstream: { of: 'platform', name: parseUpstreamName(name) },
  }
}

function upstreamOf(
  { upstream: { of, name } }: ApiConfig,
  tenant: TenantConfig,
  platform: PlatformConfig,
): RouteUpstream | undefined {
  const named = (one: UpstreamConfig) => one.name === name
  if (of === 'tenant') {
    const config = tenant.upstreams?.find(named)
    const audience = ownService(tenant.id, name)
    return config && { owner: tenant.id, config, audience, key: keyOf(tenant.id, name) }
  }
  // A service is an upstream of the same name; what is said of the upstream says more.
  const service = platform.services.find((one) => String(one.name) === String(name))
  const config =
    platform.upstreams?.find(named) ?? (service && { name, servers: [{ url: service.upstream }] })
  if (config === undefined) return undefined
  const audience = name as string as ServiceName
  return { owner: 'platform', config, audience, key: keyOf('platform', name) }
}

/** Neither owners nor names hold a space. */
function keyOf(owner: RouteUpstream['owner'], name: UpstreamConfig['name']): string {
  return `${owner} ${name}`
}
