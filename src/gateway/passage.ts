import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf } from '../core/errors.ts'
import type { Revocable } from '../revocation/revocation.ts'
import type { Configuration } from '../snapshot/snapshot.ts'
import { CONTEXT_HEADER } from '../tokens/tenant-context.ts'
import type { GatewayCheck, GatewayMemory } from './check.ts'
import { contextOf } from './context-of.ts'
import { Denial, pointingAt } from './denial.ts'
import type { Endpoint } from './endpoint.ts'
import { type Exchange, readExchange } from './exchange.ts'
import { Forward } from './forward.ts'
import { forwardedHeader } from './forwarded.ts'
import { billedTenant } from './grant-checks.ts'
import type { Headers } from './headers.ts'
import type { GatewayLimits } from './limits.ts'
import type { Lasting } from './lasting.ts'
import type { Open, OpenRequests, Slot } from './open-requests.ts'
import type { ReadTokens } from './read-tokens.ts'
import { refuse } from './refuse.ts'
import { headOf } from './request-head.ts'
import { newRequestId } from './request-ids.ts'
import { requestLine } from './request-log.ts'
import { isCounted } from './request-usage.ts'
import { holdEnd } from './hold-end.ts'
import { revocableOf } from './revocable.ts'
import type { Route } from './route.ts'
import { nothingServed } from './route-checks.ts'
import type { ContextSigner } from './signed-contexts.ts'
import { nextTrace } from './trace-context.ts'
import { recordEnd, tracedFields } from './request-telemetry.ts'
import { Tunnel } from './tunnel.ts'
import { upgradeOf } from './upgrade.ts'
import type { Turns, UpstreamShares } from './upstream-turns.ts'

/** Made once: where it was made is of no interest, and to find that out takes as long as all checks. */
const ENDED = new Error('the request has ended')

/** What all requests of one gateway share. */
export interface House {
  readonly checks: readonly GatewayCheck[]
  readonly memory: GatewayMemory
  readonly endpoints: readonly Endpoint[]
  readonly limits: GatewayLimits
  readonly readTokens: ReadTokens
  readonly contexts: ContextSigner
  readonly upstreams: UpstreamShares
  readonly open: OpenRequests
  readonly lasting: Lasting
  readonly log: (line: string) => void
  /** True when it takes leave of its callers. */
  isDraining: boolean
  /** @throws RingfenceError `snapshot_stale` */
  readonly configuration: () => Configuration
}

/**
 * One request, from its head to the end of its answer. Its steps follow one another without waiting
 * where none of them has to: most requests are upstream in the turn in which they came.
 */
export class Passage implements Open {
  readonly #house: House
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  // Never the caller's own: it joins entries of logs that other tenants must not write into.
  readonly #requestId = newRequestId()
  readonly #began = performance.now()
  #exchange: Exchange | undefined
  #slot: Slot | undefined
  #forward: Forward | Tunnel | undefined
  #turns: Turns | undefined
  /** Of which request the context is that went with this one. */
  #contextRequestId: string | undefined
  #reason: string | undefined
  /** The check that is asked: -1 before them, as many as there are when all have let it pass. */
  #asked = -1

  constructor(house: House, request: IncomingMessage, response: ServerResponse) {
    this.#house = house
    this.#request = request
    this.#response = response
  }

  begin(): void {
    // Every response comes to this, whichever way it ends.
    this.#response.on('close', () => this.#end())
    try {
      const { configuration, endpoints, readTokens, open } = this.#house
      const arrival = { head: headOf(this.#request), request: this.#request }
      const now = configuration()
      const exchange = readExchange(arrival, this.#requestId, now, endpoints, readTokens)
      this.#exchange = exchange
      exchange.answer.push(['x-request-id', this.#requestId])
      if (this.#house.isDraining) exchange.answer.push(['connection', 'close'])
      // Before the checks: what is revoked from now on ends it, what was before they see.
      if (this.token !== undefined) this.#slot = open.enter(this)
      this.#check(exchange, 0)
    } catch (error) {
      this.#refuse(error)
    }
  }

  get token(): Revocable | undefined {
    return this.#exchange && revocableOf(this.#exchange)
  }

  cut(denial: Denial): void {
    this.#refuse(denial)
  }

  /** Runs the checks from one on. It waits only for those that wait. @throws Denial */
  #check(exchange: Exchange, from: number): void {
    const { checks, memory } = this.#house
    for (let index = from; index < checks.length; index += 1) {
      this.#asked = index
      const waiting = checks[index]?.run(exchange, memory)
      if (waiting === undefined) continue
      waiting
        .then(() => {
          if (!exchange.ended) this.#check(exchange, index + 1)
        })
        .catch((error: unknown) => this.#refuse(error))
      return
    }
    this.#asked = checks.length
    exchange.onWhole = memory.usage && ((status) => this.#used(exchange, status))
    this.#answer(exchange)
  }

  /** @throws Denial */
  #answer(exchange: Exchange): void {
    const { endpoint, route } = exchange
    if (endpoint !== undefined) {
      holdEnd(exchange, this.#response)
      endpoint
        .answer(exchange, this.#request, this.#response)
        .catch((error: unknown) => this.#refuse(error))
      return
    }
    if (route === undefined) throw nothingServed('no route')
    this.#pass(exchange, route)
  }

  /** @throws Denial */
  #pass(exchange: Exchange, { upstream, path }: Route): void {
    const { tenant, claimed, read, tokenKey, target } = exchange
    // Never so with all checks in place: without them there is still nothing to sign a context from.
    if (tenant === undefined || claimed === undefined) {
      throw new Denial('internal', 'something went wrong on our side', 'no tenant to speak for')
    }
    const { contexts, readTokens, upstreams, memory } = this.#house
    if (read !== undefined) readTokens.keep(tokenKey, read)
    const billed = billedTenant(exchange)
    const said = contextOf(exchange, tenant.id, upstream.audience, claimed, billed)
    const context = contexts.sign(said, this.#requestId, tokenKey)
    this.#contextRequestId = context.requestId
    const own: Headers = [
      [CONTEXT_HEADER, context.text],
      ['x-request-id', this.#requestId],
      ['forwarded', forwardedHeader(exchange, memory.publicProtocol)],
      ...(memory.telemetry?.traces === true
        ? tracedFields(exchange, memory.telemetry)
        : nextTrace(exchange.incoming)),
    ]
    const upgrade = upgradeOf(this.#request)
    this.#turns = upstreams.turns(upstream, tenant)
    const forwarding = {
      exchange,
      request: this.#request,
      response: this.#response,
      turns: this.#turns,
      path: path + target.query,
      own,
      lasts: () => this.#house.lasting.enter(exchange, (denial) => this.#refuse(denial)),
      fail: (error: unknown) => this.#refuse(error),
    }
    this.#forward =
      upgrade === undefined ? new Forward(forwarding) : new Tunnel({ ...forwarding, upgrade })
    this.#forward.start()
  }

  /** Says why not, or cuts off what cannot go on. Only the first reason counts. */
  #refuse(error: unknown): void {
    if (this.#reason !== undefined) return
    this.#reason = error instanceof Denial ? error.reason : messageOf(error)
    const exchange = this.#exchange
    this.#close(exchange)
    const { checks, memory } = this.#house
    const check = checks[this.#asked]?.name
    const entered = memory.audit?.denied({ exchange, requestId: this.#requestId, check, error })
    if (entered === undefined) return this.#sayNo(this.#pointing(error))
    entered
      .then(() => this.#pointing(error))
      // What cannot be entered is not said either.
      .catch((unentered: unknown) => unentered)
      .then((said) => this.#sayNo(said))
      .catch(() => this.#response.destroy())
  }

  #sayNo(error: unknown): void {
    refuse(error, this.#requestId, this.#exchange?.scheme, this.#request, this.#response)
  }

  /** To a caller of the gateway's own parts, with the way to a token. */
  #pointing(error: unknown): unknown {
    const exchange = this.#exchange
    const { publicProtocol } = this.#house.memory
    const url = exchange?.endpoint?.metadataUrl?.(exchange, publicProtocol)
    return error instanceof Denial && url !== undefined ? pointingAt(error, url) : error
  }

  /** The response is closed: there is nobody left to say anything to. */
  #end(): void {
    if (!this.#response.writableFinished) this.#reason ??= 'the caller is gone'
    this.#close(this.#exchange)
    const { headersSent, statusCode } = this.#response
    // Cut off in the middle, or not served at all: used all the same. Nobody has it whole, so nobody waits.
    this.#exchange?.onWhole?.(headersSent ? statusCode : 499)?.catch(() => undefined)
    // As others log callers who went away before there was an answer.
    const status = headersSent ? statusCode : 499
    const milliseconds = performance.now() - this.#began
    const { telemetry } = this.#house.memory
    if (telemetry !== undefined) recordEnd(telemetry, this.#exchange, status, milliseconds)
    this.#house.log(
      requestLine({
        requestId: this.#requestId,
        contextRequestId: this.#contextRequestId,
        exchange: this.#exchange,
        method: this.#request.method ?? '',
        status,
        milliseconds,
        reason: this.#reason,
        used: this.#isUsed,
      }),
    )
  }

  /** Let through by all checks, and by itself an event. */
  get #isUsed(): boolean {
    const exchange = this.#exchange
    return (
      exchange?.tenant !== undefined &&
      this.#asked === this.#house.checks.length &&
      isCounted(exchange)
    )
  }

  /** Once: enters that it was let through. Undefined where nothing is to be entered. */
  #used(exchange: Exchange, status: number): Promise<void> | undefined {
    exchange.onWhole = undefined
    const milliseconds = performance.now() - this.#began
    return this.#house.memory.usage?.used(exchange, status, milliseconds, this.#reason)
  }

  #close(exchange: Exchange | undefined): void {
    this.#forward?.abort(ENDED)
    this.#turns?.end()
    if (exchange === undefined || exchange.ended) return
    exchange.ended = true
    if (this.#slot !== undefined) this.#house.open.leave(this.#slot)
    for (const letGo of exchange.onEnd) letGo()
  }
}
