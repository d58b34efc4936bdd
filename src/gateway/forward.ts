import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { CONTEXT_HEADER } from '../tokens/tenant-context.ts'
import { type AnswerBody, answerBody } from './answer-body.ts'
import { answerHead } from './answer-head.ts'
import { BodilessCall } from './bodiless-call.ts'
import { BodyCall } from './body-call.ts'
import { bodyHeadOf, stageDenial, stagesFor, withoutBodyFacts } from './body-stages.ts'
import { streamOf } from '../edge/http2-fields.ts'
import type { Exchange } from './exchange.ts'
import {
  forNode,
  type Headers,
  headersOf,
  valueOf,
  withoutHopByHop,
  withoutOwn,
} from './headers.ts'
import { Http2Call } from './http2-call.ts'
import type { Http2Server } from './http2-upstream.ts'
import { isEndless } from './lasting.ts'
import type { GatewayLimits } from './limits.ts'
import { hasBody, requestBody } from './request-body.ts'
import type { Flow, UpstreamAnswer, UpstreamCall } from './upstream-call.ts'
import { upstreamDenial } from './upstream-denial.ts'
import type { UpstreamServer } from './upstream.ts'

/**
 * What the gateway itself says; and fields that say how long a body is, whom it is for, and how the
 * connection goes on.
 */
const SAID_ANEW = new Set([
  CONTEXT_HEADER,
  'x-request-id',
  'forwarded',
  'traceparent',
  'tracestate',
  'host',
  'content-length',
  'transfer-encoding',
  'expect',
  'connection',
  'keep-alive',
  'upgrade',
])
/** A part of an answer is more than a stage can judge: it is asked for whole. */
const OF_A_PART = new Set(['range', 'if-range'])
const ATTEMPTS_MAX = 3
const CANNOT_GO_ON = new Error('it cannot go on')

export interface ForwardOptions {
  readonly exchange: Exchange
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly server: UpstreamServer
  /** In place of `server`, where HTTP/2 is spoken. */
  readonly http2: Http2Server | undefined
  /** With the query. */
  readonly path: string
  /** Fields that the gateway itself says: no other of such a name goes along. */
  readonly own: Headers
  readonly limits: GatewayLimits
  /** Called when the answer has no end of its own. */
  readonly lasts: () => void
  /** Called once: when the answer cannot be given, or cannot be given whole. */
  readonly fail: (error: unknown) => void
}

/** Sends one request upstream and its answer back, each as it comes, at the pace of the slower side. */
export class Forward implements UpstreamAnswer {
  readonly #options: ForwardOptions
  #call: UpstreamCall | undefined
  #body: Readable | undefined
  #answer: AnswerBody | undefined
  #attempts = 0
  #isOver = false
  #trailers: Headers = []

  constructor(options: ForwardOptions) {
    this.#options = options
  }

  /** @throws Denial of a stage that refuses the body by its head, or when no connection is free */
  start(): void {
    const { exchange, request, response, server, http2, path, limits } = this.#options
    const { incoming } = exchange
    if (!hasBody(incoming)) return this.#ask()
    const stages = stagesFor(exchange.bodyStages, () => bodyHeadOf(incoming))
    this.#body = requestBody(exchange, request, stages, (error) => this.#fail(error))
    if (valueOf(incoming, 'expect') !== undefined) response.writeContinue()
    const isStaged = stages.length > 0
    const headers = [...this.#fields(isStaged), ...framingOf(incoming, isStaged)]
    const { method } = exchange.head
    const asked = { path: server.basePath + path, method, headers, waits: isStaged }
    this.#call =
      http2 === undefined
        ? new BodyCall(server, asked, this.#body, limits, this)
        : new Http2Call(http2, asked, this.#body, limits, this)
  }

  #ask(): void {
    const { server, http2, path, exchange, limits } = this.#options
    const headers = this.#fields(false)
    // A length of nothing is said on, as it was said.
    const length = valueOf(exchange.incoming, 'content-length')
    if (length !== undefined) headers.push('content-length', length)
    const asked = { path: server.basePath + path, method: exchange.head.method, headers }
    this.#attempts += 1
    this.#call =
      http2 === undefined
        ? new BodilessCall(server, asked, this)
        : new Http2Call(http2, asked, undefined, limits, this)
  }

  /** One after another, name and value. */
  #fields(isStaged: boolean): string[] {
    const { exchange, own } = this.#options
    const outgoing = isStaged ? withoutBodyFacts(exchange.outgoing) : exchange.outgoing
    const isWhole = exchange.answerStages.length > 0
    const fields: string[] = []
    for (const [name, value] of outgoing) {
      if (SAID_ANEW.has(name) || (isWhole && OF_A_PART.has(name))) continue
      fields.push(name, value)
    }
    for (const [name, value] of own) fields.push(name, value)
    return fields
  }

  /** Ends it without an answer, or in the middle of one: its caller is gone, or may not have it. */
  abort(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#answer?.abort(error)
    this.#body?.destroy()
    this.#call?.abort(error)
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.abort(CANNOT_GO_ON)
    this.#options.fail(this.#answer === undefined ? upstreamDenial(error) : error)
  }

  onHead(flow: Flow, status: number, fields: readonly string[]): void {
    if (this.#isOver) return
    const { exchange, response, limits } = this.#options
    try {
      const head = answerHead(exchange, status, headersOf(fields))
      const fail = (error: unknown) => this.#fail(error)
      this.#answer = answerBody({ exchange, response, head, flow, idleMs: limits.idleMs, fail })
      if (isEndless(head.headers)) this.#options.lasts()
    } catch (error) {
      this.#fail(stageDenial(error))
    }
  }

  onData(chunk: Buffer): void {
    if (!this.#isOver) this.#answer?.write(chunk)
  }

  onTrailers(fields: readonly string[]): void {
    this.#trailers = withoutOwn(withoutHopByHop(headersOf(fields)))
  }

  onEnd(): void {
    this.#call = undefined
    if (this.#isOver) return
    const { request, response } = this.#options
    // Callers of HTTP/1.1 would have had to be told of them before.
    if (this.#trailers.length > 0 && streamOf(request) !== undefined) {
      response.addTrailers(forNode(this.#trailers))
    }
    this.#answer?.end()
  }

  onError(error: Error, isLost: boolean): void {
    if (this.#isOver) return
    const { method } = this.#options.exchange.head
    // The upstream closed a connection at the moment at which we used it again.
    const isRepeatable = this.#body === undefined && (method === 'GET' || method === 'HEAD')
    const isUnanswered = isLost && this.#answer === undefined
    if (!isUnanswered || !isRepeatable || this.#attempts >= ATTEMPTS_MAX) return this.#fail(error)
    try {
      this.#ask()
    } catch (refusal) {
      this.#fail(refusal)
    }
  }
}

/** Never both: readers differ in which they take. */
function framingOf(incoming: Headers, isStaged: boolean): readonly [name: string, value: string] {
  const isOpen = isStaged || valueOf(incoming, 'transfer-encoding') !== undefined
  if (isOpen) return ['transfer-encoding', 'chunked']
  return ['content-length', valueOf(incoming, 'content-length') ?? '0']
}
