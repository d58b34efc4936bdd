import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { PROBLEM_TYPE, problemOf } from '../http/problem.ts'
import type { SharedStore } from '../limits/shared-store.ts'
import type { RevocationSource } from '../revocation/revocation.ts'
import type { ConfigurationSource } from '../snapshot/snapshot.ts'
import { decoyKey } from '../tokens/decoy-key.ts'
import { signInIn } from '../tokens/sign-in-claims.ts'
import { SIGNING_ALGORITHMS, type SigningKey } from '../tokens/signing-key.ts'
import { CONTEXT_HEADER, signContext } from '../tokens/tenant-context.ts'
import type { GatewayCheck, GatewayMemory } from './check.ts'
import { GATEWAY_CHECKS } from './checks.ts'
import { Denial, inSchemeOf } from './denial.ts'
import type { Endpoint } from './endpoint.ts'
import { type Exchange, readExchange } from './exchange.ts'
import { forward, hasBody } from './forward.ts'
import { forwardedHeader } from './forwarded.ts'
import { forNode, type Headers } from './headers.ts'
import { limitingOf } from './limiting.ts'
import { GATEWAY_LIMITS, type GatewayLimits } from './limits.ts'
import { requestLine } from './request-log.ts'
import { OpenRequests } from './open-requests.ts'
import { PROOF_LIFE_MS } from './proof-checks.ts'
import { headOf } from './request-head.ts'
import type { Route } from './route.ts'
import { nothingServed } from './route-checks.ts'
import { nextTrace } from './trace-context.ts'
import { Upstreams } from './upstream.ts'
import { UsedProofs } from './used-proofs.ts'
import { VerifiedTokens } from './verified-tokens.ts'

export interface GatewayOptions {
  readonly source: ConfigurationSource
  readonly revocations: RevocationSource
  /** Signs tenant contexts: ES256, its public half in the configuration's `contextKeys`. */
  readonly contextKey: SigningKey
  /** Gets one line of JSON a request. */
  readonly log: (line: string) => void
  /** The platform's own host names, for paths `/t/<tenant>/…`. Default: any that is no tenant's. */
  readonly hosts?: readonly string[]
  /**
   * How callers reach the platform: what proofs of possession must name, and what upstreams are told.
   * Default `http`.
   */
  readonly publicProtocol?: 'http' | 'https'
  readonly limits?: Partial<GatewayLimits>
  /** Default all. Only a proof leaves one out. */
  readonly checks?: readonly GatewayCheck[]
  /** Where limits that are shared are counted. Default: each process counts by itself. */
  readonly sharedLimits?: SharedStore
  /** What it answers itself. Default none. */
  readonly endpoints?: readonly Endpoint[]
}

export interface Gateway {
  /** Not listening yet. */
  readonly server: Server
  readonly limits: GatewayLimits
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /** Lets go of upstream connections. Close the server first. */
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
  const door = new FrontDoor(options, limits)
  const handler = (request: IncomingMessage, response: ServerResponse) =>
    void door.handle(request, response)
  const server = createServer(
    { insecureHTTPParser: false, requireHostHeader: true, maxHeaderSize: limits.headerBytesMax },
    handler,
  )
  // A body that is not wanted is not asked for: `100 Continue` waits for the checks.
  server.on('checkContinue', handler)
  server.maxConnections = limits.connections
  return { server, limits, handler, close: () => door.close() }
}

class FrontDoor {
  readonly #options: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #checks: readonly GatewayCheck[]
  readonly #memory: GatewayMemory
  readonly #upstreams: Upstreams
  readonly #open = new OpenRequests()

  constructor(options: GatewayOptions, limits: GatewayLimits) {
    this.#options = options
    this.#limits = limits
    this.#checks = options.checks ?? GATEWAY_CHECKS
    this.#upstreams = new Upstreams(limits)
    const { source, revocations } = options
    const tokens = new VerifiedTokens(limits.tokens)
    source.onChange((changed) => tokens.forget(changed))
    revocations.onNews(() => this.#open.end((token) => revocations.find(token) !== undefined))
    this.#memory = {
      tokens,
      limiting: limitingOf(limits, options.sharedLimits),
      hosts: options.hosts === undefined ? undefined : new Set(options.hosts),
      bodyBytesMax: limits.bodyBytesMax,
      revocations,
      proofs: new UsedProofs(PROOF_LIFE_MS, limits.proofs, limits.proofsPerTenant),
      publicProtocol: options.publicProtocol ?? 'http',
    }
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const began = performance.now()
    // Never the caller's own: it joins entries of logs that other tenants must not write into.
    const requestId = randomUUID()
    let exchange: Exchange | undefined
    let reason: string | undefined
    try {
      exchange = readExchange(
        { head: headOf(request), request },
        requestId,
        this.#options.source.current(),
        this.#options.endpoints ?? [],
      )
      exchange.answer.push(['x-request-id', requestId])
      // Before the checks: what is revoked from now on ends it, what was before they see.
      const revoked = this.#open.enter(exchange)
      await Promise.race([this.#serve(exchange, request, response), revoked])
    } catch (error) {
      reason = error instanceof Denial ? error.reason : messageOf(error)
      refuse(error, requestId, exchange?.scheme, request, response)
    } finally {
      if (exchange !== undefined) end(exchange)
    }
    this.#options.log(
      requestLine({
        requestId,
        exchange,
        method: request.method ?? '',
        // As others log callers who went away before there was an answer.
        status: response.headersSent ? response.statusCode : 499,
        milliseconds: performance.now() - began,
        reason,
      }),
    )
  }

  async #serve(exchange: Exchange, request: IncomingMessage, response: ServerResponse) {
    for (const check of this.#checks) {
      goOn(exchange)
      await check.run(exchange, this.#memory)
    }
    const { endpoint, route } = exchange
    if (endpoint !== undefined) return endpoint.answer(exchange, request, response)
    if (route === undefined) throw nothingServed('no route')
    await this.#pass(exchange, route, request, response)
  }

  async #pass(
    exchange: Exchange,
    { upstream, path }: Route,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    const { tenant, claimed, scopes, requestId, target } = exchange
    // Never so with all checks in place: without them there is still nothing to sign a context from.
    if (tenant === undefined || claimed === undefined) {
      throw new Denial('internal', 'something went wrong on our side', 'no tenant to speak for')
    }
    const context = await signContext(
      this.#options.contextKey,
      {
        kind: 'request',
        tenant: tenant.id,
        service: upstream.audience,
        subject: claimed.subject,
        scopes,
        roles: claimed.roles,
        requestId,
        ...signInIn(claimed),
        origin: { id: claimed.id, client: claimed.client, issuedAt: claimed.issuedAt },
      },
      this.#limits.contextSeconds,
    )
    const own: Headers = [
      [CONTEXT_HEADER, context],
      ['x-request-id', requestId],
      ['forwarded', forwardedHeader(exchange, this.#options.publicProtocol ?? 'http')],
      ...nextTrace(exchange.incoming),
    ]
    goOn(exchange)
    await forward({
      exchange,
      request,
      response,
      limits: this.#limits,
      own,
      start: (headers) =>
        this.#upstreams.request(
          upstream.config.servers[0]?.url ?? '',
          path + target.query,
          request.method ?? 'GET',
          headers,
        ),
    })
  }

  close(): void {
    this.#upstreams.close()
    void this.#memory.limiting.limiter.close()
  }
}

/** @throws Error when the request was ended while it was being looked at */
function goOn({ ended }: Exchange): void {
  if (ended) throw new Error('it was ended meanwhile')
}

function end(exchange: Exchange): void {
  exchange.ended = true
  for (const letGo of exchange.onEnd) letGo()
}

function refuse(
  error: unknown,
  requestId: string,
  scheme: Exchange['scheme'],
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (response.headersSent || response.destroyed) {
    // The answer is half sent: an end that looks like an end would be a lie.
    response.destroy()
    return
  }
  const problem = problemOf(error)
  const body = `${JSON.stringify(problem)}\n`
  const headers: [string, string][] = [
    ['content-type', PROBLEM_TYPE],
    ['content-length', String(Buffer.byteLength(body))],
    ['cache-control', 'no-store'],
    ['x-request-id', requestId],
  ]
  if (error instanceof Denial)
    for (const [name, value] of inSchemeOf(error.headers, scheme)) headers.push([name, value])
  // What is still to come of its body is not waited for.
  if (hasBody(request) && !request.complete) headers.push(['connection', 'close'])
  response.writeHead(problem.status, forNode(headers))
  response.end(body)
}
