import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AuditWriter } from '../audit/audit-writer.ts'
import { RingfenceError } from '../core/errors.ts'
import type { SharedStore } from '../limits/shared-store.ts'
import type { RevocationSource } from '../revocation/revocation.ts'
import type { ConfigurationSource } from '../snapshot/snapshot.ts'
import { ourPlaces } from '../upstreams/our-places.ts'
import { type UpstreamGuard, upstreamGuard } from '../upstreams/upstream-guard.ts'
import { decoyKey } from '../tokens/decoy-key.ts'
import type { PoolState } from '../telemetry/metrics/saturation.ts'
import type { ServerTelemetry } from '../telemetry/server-telemetry.ts'
import type { UsageSink } from '../usage/usage-event.ts'
import { SIGNING_ALGORITHMS, type SigningKey } from '../tokens/signing-key.ts'
import type { GatewayCheck, GatewayMemory } from './check.ts'
import { GATEWAY_CHECKS } from './checks.ts'
import { type Decision, decide, type Question } from './decide.ts'
import type { Endpoint } from './endpoint.ts'
import { InnerDoor } from './inner-door.ts'
import { limitingOf } from './limiting.ts'
import { GATEWAY_LIMITS, type GatewayLimits } from './limits.ts'
import { Http2Upstreams } from './http2-upstream.ts'
import { Lasting } from './lasting.ts'
import type { McpParts } from './mcp/answer-message.ts'
import { McpEndpoint } from './mcp/mcp-endpoint.ts'
import { serveMetadata } from './mcp/resource-metadata.ts'
import { OpenRequests } from './open-requests.ts'
import { type House, Passage } from './passage.ts'
import { PlaceRules } from './place.ts'
import { PROOF_LIFE_MS } from './proof-checks.ts'
import { ReadTokens } from './read-tokens.ts'
import { RequestAudit } from './request-audit.ts'
import { RequestUsage } from './request-usage.ts'
import { type ContextSigner, SignedContexts } from './signed-contexts.ts'
import { isForWebSocket, serveUpgrades } from './upgrade.ts'
import { UpstreamShares } from './upstream-turns.ts'
import { Upstreams } from './upstream.ts'
import { type ProofBook, UsedProofs } from './used-proofs.ts'
import { VerifiedTokens } from './verified-tokens.ts'

export interface GatewayOptions {
  readonly source: ConfigurationSource
  readonly revocations: RevocationSource
  /** Signs tenant contexts: ES256, its public half in the configuration's `contextKeys`. */
  readonly contextKey: SigningKey
  /** Gets one line of JSON a request. */
  readonly log: (line: string) => void
  /** Where what is decided is entered, before it is answered. Default: nowhere. */
  readonly audit?: AuditWriter
  /** Where what tenants use is entered, before they have the end of an answer. Default: nowhere. */
  readonly usage?: UsageEntered
  /** Counts requests by tenant, and keeps spans of some. Default: nothing does. */
  readonly telemetry?: ServerTelemetry
  /** The platform's own host names, for paths `/t/<tenant>/…`. Default: any that is no tenant's. */
  readonly hosts?: readonly string[]
  /**
   * How callers reach the platform: what proofs of possession must name, and what upstreams are told.
   * Default `http`.
   */
  readonly publicProtocol?: 'http' | 'https'
  readonly limits?: Partial<GatewayLimits>
  /** Gets a line for each question that is put to tenants' policies, for dry runs. Default: nobody. */
  readonly recordQuestion?: (line: string) => void
  /** Which proofs were used. Default: what this process has seen. */
  readonly proofs?: ProofBook
  /** Default all. Only a proof leaves one out. */
  readonly checks?: readonly GatewayCheck[]
  /** Default: signs with `contextKey`. Only a proof does it in another way. */
  readonly contexts?: ContextSigner
  /** Where limits that are shared are counted. Default: each process counts by itself. */
  readonly sharedLimits?: SharedStore
  /** What it answers itself. Default none. */
  readonly endpoints?: readonly Endpoint[]
  /** What agents are answered with. Only a proof puts another part in. */
  readonly mcp?: Partial<McpParts>
  /** Where tenants' own upstreams may be. Default: on the public internet. */
  readonly upstreamGuard?: UpstreamGuard
  /** Keeps connections upstream. Only a proof keeps them in another way. */
  readonly connections?: (rules: PlaceRules) => Upstreams
}

export interface UsageEntered {
  readonly sink: UsageSink
  /** Who reports it: `/ringfence/gateway/gateway-1`, below the name that the gateway has at the records plane. */
  readonly source: string
}

export interface Gateway {
  /** Not listening yet. */
  readonly server: Server
  readonly limits: GatewayLimits
  /** How full what there is only so much of is: requests under way. */
  readonly pools: Readonly<Record<'requests', () => PoolState>>
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /** Decides about a request that another proxy passes on: see `docs/external-authorization.md`. */
  readonly decide: (question: Question) => Promise<Decision>
  /**
   * From now on every answer says that its connection ends with it, so that callers go elsewhere.
   * WebSockets, which have no answer to say it in, are ended.
   */
  drain(): void
  /** Lets go of upstream connections, and of what it has of shared limits. Close the server first. */
  close(): void
}

/**
 * The front door: finds out which tenant is called and by whom, and passes the request on to a
 * service with a tenant context. It knows nothing but the configuration that is in force.
 * @throws RingfenceError `invalid_argument` for a key or limits that are not to be used
 */
export function gateway(options: GatewayOptions): Gateway {
  const limits = { ...GATEWAY_LIMITS, ...options.limits }
  if (options.contextKey.publicJwk.alg !== 'ES256') {
    throw new RingfenceError('invalid_argument', 'tenant contexts are signed with an ES256 key')
  }
  if (!(limits.contextSeconds >= 1 && limits.contextSeconds <= 60)) {
    throw new RingfenceError('invalid_argument', 'a tenant context lives 1 to 60 seconds')
  }
  // Made now: the first to call an unknown tenant would wait for it.
  for (const alg of SIGNING_ALGORITHMS) void decoyKey(alg)
  const house = houseOf(options, limits, [
    ...(options.endpoints ?? []),
    new McpEndpoint(() => innerDoor, options.mcp ?? {}),
  ])
  const pass = (request: IncomingMessage, response: ServerResponse) =>
    new Passage(house, request, response).begin()
  const innerDoor = new InnerDoor(pass, limits.headerBytesMax)
  const handler = (request: IncomingMessage, response: ServerResponse) => {
    const { configuration, memory } = house
    const isServed = serveMetadata(configuration, request, response, memory.publicProtocol)
    if (!isServed) pass(request, response)
  }
  const server = createServer(
    {
      insecureHTTPParser: false,
      requireHostHeader: true,
      maxHeaderSize: limits.headerBytesMax,
      // Most have no body: what a stream is made of is left out for them.
      optimizeEmptyRequests: true,
      shouldUpgradeCallback: isForWebSocket,
    },
    handler,
  )
  // A body that is not wanted is not asked for: `100 Continue` waits for the checks.
  server.on('checkContinue', handler)
  serveUpgrades(server, handler)
  server.maxConnections = limits.connections
  return {
    server,
    limits,
    pools: { requests: () => house.memory.limiting.admission.load },
    handler,
    decide: (question) => decide(house, question),
    drain() {
      house.isDraining = true
      house.lasting.endUpgrades()
    },
    close() {
      innerDoor.close()
      house.upstreams.close()
      void house.memory.limiting.limiter.close()
    },
  }
}

function houseOf(
  options: GatewayOptions,
  limits: GatewayLimits,
  endpoints: readonly Endpoint[],
): House {
  const { source, revocations, contextKey } = options
  const memory = memoryOf(options, limits)
  const open = new OpenRequests()
  source.onChange((changed) => memory.tokens.forget(changed))
  revocations.onNews(() => open.end((token) => revocations.find(token) !== undefined))
  const contexts = new SignedContexts(contextKey, {
    seconds: limits.contextSeconds,
    // Of what is left of its life a service needs some.
    reuseSeconds: Math.min(limits.contextReuseSeconds, limits.contextSeconds / 2),
    max: limits.tokens,
  })
  const checks = options.checks ?? GATEWAY_CHECKS
  const readTokens = new ReadTokens(limits.tokens)
  const lasting = new Lasting({ checks, memory, endpoints, readTokens })
  source.onChange((changed, now) => lasting.lookAgain(changed, now))
  return {
    checks,
    memory,
    endpoints,
    limits,
    readTokens,
    lasting,
    contexts: options.contexts ?? contexts,
    upstreams: sharesOf(options, limits),
    open,
    log: options.log,
    isDraining: false,
    configuration: () => source.current(),
  }
}

function sharesOf(
  {
    source,
    hosts,
    upstreamGuard: guard = upstreamGuard(),
    connections = (rules) => new Upstreams(rules),
  }: GatewayOptions,
  limits: GatewayLimits,
): UpstreamShares {
  const rules = new PlaceRules(
    guard,
    ourPlaces(() => source.current(), hosts),
  )
  const http2Upstreams = new Http2Upstreams(rules)
  return new UpstreamShares({ limits, rules, upstreams: connections(rules), http2Upstreams })
}

function memoryOf(options: GatewayOptions, limits: GatewayLimits): GatewayMemory {
  return {
    tokens: new VerifiedTokens(limits.tokens),
    limiting: limitingOf(limits, options.sharedLimits),
    hosts: options.hosts === undefined ? undefined : new Set(options.hosts),
    bodyBytesMax: limits.bodyBytesMax,
    revocations: options.revocations,
    proofs: options.proofs ?? usedProofs(limits),
    publicProtocol: options.publicProtocol ?? 'http',
    recordQuestion: options.recordQuestion,
    audit: options.audit && new RequestAudit(options.audit),
    usage: options.usage && new RequestUsage(options.usage.sink, options.usage.source),
    telemetry: options.telemetry,
  }
}

/** What one process knows of the proofs that it has seen. */
export function usedProofs({
  proofs,
  proofsPerTenant,
}: Pick<GatewayLimits, 'proofs' | 'proofsPerTenant'> = GATEWAY_LIMITS): UsedProofs {
  return new UsedProofs(PROOF_LIFE_MS, proofs, proofsPerTenant)
}
