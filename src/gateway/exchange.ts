import type { IncomingMessage } from 'node:http'
import type { Scope } from '../core/lease.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import type { Configuration, PlanConfig, TenantConfig } from '../snapshot/snapshot.ts'
import type { ClaimedAccess } from '../tokens/access-token.ts'
import { claimedProof, type Proof } from '../tokens/dpop-proof.ts'
import type { BodyStage } from './body.ts'
import type { Endpoint } from './endpoint.ts'
import { type Headers, headersOf, valueOf } from './headers.ts'
import { looseHost } from './host.ts'
import type { ReadToken, ReadTokens } from './read-tokens.ts'
import type { RequestHead } from './request-head.ts'
import { type Route, routeOf, serverRoute } from './route.ts'
import { looseTarget, splitTenant, type Target } from './target.ts'
import { type TokenKey, tokenKeyOf } from './token-key.ts'

/**
 * What a request says, read as a careless reader would. Nothing here is decided: the checks are what
 * makes it safe to act on. Checks write down what the forwarding needs.
 */
export interface Exchange {
  readonly head: RequestHead
  /** What its body comes by; undefined where another proxy asks, and passes the body itself. */
  readonly request: IncomingMessage | undefined
  readonly requestId: string
  readonly configuration: Configuration
  readonly incoming: Headers
  readonly target: Target
  /** The path inside the tenant's API. */
  readonly path: string
  /** The tenant whose own host was called. */
  readonly ofHost: TenantConfig | undefined
  /** The tenant that the path names, if there is one: `undefined` also for one that there is not. */
  readonly ofPath: TenantConfig | undefined
  readonly pathNamesTenant: boolean
  /** The tenant that is called. */
  readonly tenant: TenantConfig | undefined
  readonly plan: PlanConfig | undefined
  /** How the token was presented (RFC 6750, RFC 9449); undefined when none came. */
  readonly scheme: 'bearer' | 'dpop' | undefined
  /** Empty when none came. */
  readonly token: string
  readonly tokenKey: TokenKey
  /** What it was read as: the same object as long as the token is remembered. */
  readonly read: ReadToken | undefined
  readonly claimed: ClaimedAccess | undefined
  /** What shows that the token is its bearer's; empty when none came. */
  readonly proofText: string
  readonly proof: Proof | undefined
  /** What a context would carry of what the token claims. */
  scopes: readonly Scope[]
  /** Fields that go upstream. */
  outgoing: Headers
  /** Fields that the answer gets besides the upstream's. */
  readonly answer: [string, string][]
  /** What is done to the upstream's fields. */
  readonly onAnswer: ((headers: Headers) => Headers)[]
  bodyBytesMax: number
  /** Where it goes, by the surface of the tenant that is called. */
  readonly route: Route | undefined
  /** What of the gateway itself is called, if anything: it comes before any route. */
  readonly endpoint: Endpoint | undefined
  /** What is done to the body on its way to the upstream, in order. */
  readonly bodyStages: BodyStage[]
  /** What is done to the answer's body on its way back, in order. */
  readonly answerStages: BodyStage[]
  /** Of bodies, as they passed until now: as the caller sent it, and as the caller gets it. */
  readonly bytes: { request: number; answer: number }
  /** To be called when it turns out to last: the place goes to those who come and go. Any number of times. */
  readonly onLasting: (() => void)[]
  /** To be called when the request has ended, whichever way. */
  readonly onEnd: (() => void)[]
  /**
   * To be called, and waited for, before the last of the answer is sent; only after all checks, and where
   * usage is entered. An answer whose usage cannot be entered is not given whole.
   */
  onWhole: ((status: number) => Promise<void> | undefined) | undefined
  /** For `Note`. */
  readonly notes: unknown[]
  /** True when it has ended: nothing more of it must go on. */
  ended: boolean
}

export type Arrival = Pick<Exchange, 'head' | 'request'>

export function readExchange(
  { head, request }: Arrival,
  requestId: string,
  configuration: Configuration,
  endpoints: readonly Endpoint[],
  tokens: ReadTokens,
): Exchange {
  const incoming = headersOf(head.rawHeaders)
  const target = looseTarget(head.target)
  const { name, rest } = splitTenant(target.path)
  const ofHost = configuration.tenantOfHost(looseHost(valueOf(incoming, 'host') ?? ''))
  const ofPath = name === undefined ? undefined : tenantOf(configuration, name)
  const tenant = name === undefined ? ofHost : ofPath
  const { scheme, token } = presented(valueOf(incoming, 'authorization') ?? '')
  const proofText = valueOf(incoming, 'dpop') ?? ''
  const tokenKey = tokenKeyOf(token)
  const read = token === '' ? undefined : tokens.read(token, tokenKey)
  return {
    head,
    request,
    requestId,
    configuration,
    incoming,
    target,
    path: rest,
    ofHost,
    ofPath,
    pathNamesTenant: name !== undefined,
    tenant,
    plan: tenant && planOf(configuration, tenant),
    scheme,
    token,
    tokenKey,
    read,
    claimed: read?.claimed,
    proofText,
    proof: proofText === '' ? undefined : claimedProof(proofText),
    scopes: read?.scopes ?? NO_SCOPES,
    outgoing: incoming,
    answer: [],
    onAnswer: [],
    bodyBytesMax: Number.POSITIVE_INFINITY,
    route: tenant && routeFor(configuration, tenant, rest, head),
    endpoint: head.inner === undefined ? endpointAt(endpoints, rest) : undefined,
    bodyStages: [],
    answerStages: [],
    bytes: { request: 0, answer: 0 },
    onLasting: [],
    onEnd: [],
    onWhole: undefined,
    notes: [],
    ended: false,
  }
}

const NO_SCOPES: readonly Scope[] = []

function planOf({ platform }: Configuration, tenant: TenantConfig): PlanConfig | undefined {
  for (const plan of platform.plans) if (plan.name === tenant.plan) return plan
  return undefined
}

function endpointAt(endpoints: readonly Endpoint[], path: string): Endpoint | undefined {
  for (const endpoint of endpoints) if (endpoint.path === path) return endpoint
  return undefined
}

function routeFor(
  configuration: Configuration,
  tenant: TenantConfig,
  path: string,
  { inner }: RequestHead,
): Route | undefined {
  const server = inner?.server
  return server === undefined
    ? routeOf(configuration, tenant, path)
    : serverRoute(configuration, tenant, server)
}

const SCHEME = /^(bearer|dpop) +(?=\S)/i
const NOT_PRESENTED = { scheme: undefined, token: '' } as const

function presented(authorization: string): Pick<Exchange, 'scheme' | 'token'> {
  if (authorization === '') return NOT_PRESENTED
  const [before = '', scheme = ''] = SCHEME.exec(authorization) ?? []
  const token = authorization.slice(before.length)
  if (before === '' || /\s/.test(token)) return NOT_PRESENTED
  return { scheme: scheme.toLowerCase() === 'dpop' ? 'dpop' : 'bearer', token }
}

function tenantOf(configuration: Configuration, name: string): TenantConfig | undefined {
  let id: TenantId
  try {
    id = parseTenantId(name)
  } catch {
    return undefined
  }
  return configuration.tenant(id)
}
