import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { PROBLEM_TYPE, problemOf } from '../http/problem.ts'
import type { RealmHandler } from './provider/realm-context.ts'
import type { RealmProvider } from './provider/realm-provider.ts'
import { type Addressed, addressed, belowIssuer } from './provider/realm-request.ts'
import type { ServerTelemetry } from '../telemetry/server-telemetry.ts'
import { duringRequest } from './entering.ts'
import { recordAnswer } from './request-telemetry.ts'

/**
 * Where clients show who they are. A realm that there is not, or is not open, answers there as any
 * realm answers a client that it does not know.
 */
const CLIENT_ENDPOINTS = new Set([
  '/device/auth',
  '/request',
  '/token',
  '/token/introspection',
  '/token/revocation',
])

export interface IdentityAppOptions {
  readonly realms: { get(tenant: TenantId): Promise<RealmProvider | undefined> }
  readonly tenantOfDomain: (domain: string) => Promise<TenantId | undefined>
  /** A realm without clients and users, in place of one that is not there. */
  readonly nobody: RealmProvider
  /** What serves paths below an issuer that are not the provider's, in the order in which it is asked. */
  readonly handlers: readonly RealmHandler[]
  /** The platform's own host, with its port. */
  readonly host: string
  /** How many proxies of ours a request comes through. */
  readonly proxies: number
  /** Counts requests by realm, and keeps spans of some. Undefined: nothing does. */
  readonly telemetry?: ServerTelemetry | undefined
  readonly log: (line: string) => void
}

/** What realms show to the world, as a request handler. */
export function identityApp(options: IdentityAppOptions): RequestListener {
  return (request, response) => {
    serve(request, response, options).catch((error: unknown) => {
      options.log(
        `request failed: ${error instanceof RingfenceError ? error.code : messageOf(error)}`,
      )
      unavailable(response)
    })
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: IdentityAppOptions,
): Promise<void> {
  if (request.url === '/healthz') return json(response, 200, { status: 'ok' })
  const recorded = options.telemetry && recordAnswer(options.telemetry, request, response)
  const asked = addressed(request, options.host)
  const found = await realmOf(asked, options)
  if (found === undefined) return nobody(request, response, asked, options)
  const { context } = found.realm
  if (recorded !== undefined) recorded.realm = { tenant: context.tenant, url: found.url }
  const below = belowIssuer(request, context.issuer, found.url, options.proxies)
  await duringRequest(below, async () => {
    for (const handle of options.handlers) {
      if (await handle(context, below, response)) return
    }
    await found.realm.serve(below, response)
  })
}

/** A realm is found by its issuer alone: one with a domain of its own is not at the platform's path. */
async function realmOf(
  { domain, url, byPath }: Addressed,
  { realms, tenantOfDomain }: IdentityAppOptions,
): Promise<{ readonly realm: RealmProvider; readonly url: string } | undefined> {
  const owner = domain === undefined ? undefined : await tenantOfDomain(domain)
  const named = owner ?? byPath?.tenant
  const realm = named === undefined ? undefined : await realms.get(named)
  if (realm === undefined) return undefined
  if (owner !== undefined) return { realm, url }
  const isAtPath = realm.context.settings.domain === undefined && byPath !== undefined
  return isAtPath ? { realm, url: byPath.url } : undefined
}

async function nobody(
  request: IncomingMessage,
  response: ServerResponse,
  { byPath }: Addressed,
  options: IdentityAppOptions,
): Promise<void> {
  const [path = ''] = byPath?.url.split('?') ?? []
  if (request.method !== 'POST' || byPath === undefined || !CLIENT_ENDPOINTS.has(path)) {
    return absent(response)
  }
  const { serve, context } = options.nobody
  const below = belowIssuer(request, context.issuer, byPath.url, options.proxies)
  await duringRequest(below, () => serve(below, response))
}

function absent(response: ServerResponse): void {
  const problem = problemOf(new RingfenceError('not_found', 'there is no such thing'))
  send(response, 404, PROBLEM_TYPE, `${JSON.stringify(problem)}\n`)
}

function unavailable(response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.setHeader('retry-after', '1')
  json(response, 503, { error: 'temporarily_unavailable' })
}

function json(response: ServerResponse, status: number, body: object): void {
  send(response, status, 'application/json', JSON.stringify(body))
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  const length = Buffer.byteLength(body)
  response.writeHead(status, {
    'cache-control': 'no-store',
    'content-type': type,
    'content-length': length,
  })
  response.end(body)
}
