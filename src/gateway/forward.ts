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
import { HedgedCall } from './hedged-call.ts'
import { isEndless } from './lasting.ts'
import { hasBody, requestBody } from './request-body.ts'
import type { Flow, UpstreamAnswer, UpstreamCall } from './upstream-call.ts'
import { failureOf, upstreamDenial } from './upstream-denial.ts'
import type { Turns } from './upstream-turns.ts'
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
/** A request that met with a kept connection's end goes to the same server again, so often. */
const LOST_MAX = 2
/** Methods that may be sent twice: they change nothing. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])
/** What a server says that another might not. */
const PASSING = new Set([502, 503, 504])
const CANNOT_GO_ON = new Error('it cannot go on')

export interface ForwardOptions {
  readonly exchange: Exchange
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Which servers it goes to. */
  readonly turns: Turns
  /** With the query. */
  readonly path: string
  /** Fields that the gateway itself says: no other of such a name goes along. */
  readonly own: Headers
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
  #server: UpstreamServer | undefined
  #lost = 0
  #isOver = false
  #trailers: Headers = []

  constructor(options: ForwardOptions) {
    this.#options = options
  }

  /** @throws Denial of a stage that refuses the body by its head, or when no connection is free */
  start(): void {
    const { exchange, request, response, turns, path } = this.#options
    const { incoming } = exchange
    const server = turns.next()
    if (!hasBody(incoming)) return this.#ask(server)
    const stages = stagesFor(exchange.bodyStages, () => bodyHeadOf(incoming))
    this.#body = requestBody(exchange, request, stages, (error) => this.#fail(error))
    if (valueOf(incoming, 'expect') !== undefined) response.writeContinue()
    const isStaged = stages.length > 0
    const headers = [...this.#fields(isStaged), ...framingOf(incoming, isStaged)]
    const { method } = exchange.head
    const asked = { path: server.basePath + path, method, headers, waits: isStaged }
    const http2 = turns.http2Of(server)
    this.#call =
      http2 === undefined
        ? new BodyCall(server, asked, this.#body, turns.limits, this)
        : new Http2Call(http2, asked, this.#body, turns.limits, this)
  }

  #ask(server: UpstreamServer): void {
    const { turns } = this.#options
    this.#server = server
    const { hedgeAfterMs } = turns
    this.#call =
      hedgeAfterMs === undefined || !this.#isRepeatable
        ? this.#send(server, this)
        : new HedgedCall((to, answer) => this.#send(to, answer), turns, server, hedgeAfterMs, this)
  }

  /** @throws Denial when no connection is free */
  #send(server: UpstreamServer, answer: UpstreamAnswer): UpstreamCall {
    const { turns, path, exchange } = this.#options
    const headers = this.#fields(false)
    // A length of nothing is said on, as it was said.
    const length = valueOf(exchange.incoming, 'content-length')
    if (length !== undefined) headers.push('content-length', length)
    const asked = { path: server.basePath + path, method: exchange.head.method, headers }
    const http2 = turns.http2Of(server)
    return http2 === undefined
      ? new BodilessCall(server, asked, answer)
      : new Http2Call(http2, asked, undefined, turns.limits, answer)
  }

  /** One after another, name and value. */
  #fields(isStaged: boolean): string[] {
    const { exchange, own } = this.#options
    const outgoing = isStaged ? withoutBodyFacts(exchange.outgoing) : exchange.outgoing
    const isWhole = exchange.answerStages.length > 0
    const fields: string[] = []
    for (const field of outgoing) {
      const name = field[0]
      if (SAID_ANEW.has(name) || (isWhole && OF_A_PART.has(name))) continue
      fields.push(name, field[1])
    }
    for (const field of own) fields.push(field[0], field[1])
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

  onHead(flow: Flow, status: number, fields: Headers): void {
    if (this.#isOver) return
    const { exchange, response, turns } = this.#options
    turns.judge(status >= 500 ? 'bad' : 'served')
    if (PASSING.has(status) && this.#isRepeatable && turns.mayTryAgain()) {
      this.#call?.abort(CANNOT_GO_ON)
      return this.#again(() => turns.next())
    }
    const { idleMs } = turns.limits
    try {
      const head = answerHead(exchange, status, fields)
      const fail = (error: unknown) => this.#fail(error)
      this.#answer = answerBody({ exchange, response, head, flow, idleMs, fail })
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
    const { turns } = this.#options
    const isUnanswered = this.#answer === undefined
    const server = this.#server
    // The upstream closed a connection at the moment at which we used it again: no fault of anybody's.
    if (isLost && isUnanswered && this.#isRepeatable && server && this.#lost < LOST_MAX) {
      this.#lost += 1
      return this.#again(() => server)
    }
    turns.judge(isUnanswered ? failureOf(error) : 'unanswered')
    if (isUnanswered && this.#isRepeatable && turns.mayTryAgain()) {
      return this.#again(() => turns.next())
    }
    this.#fail(error)
  }

  get #isRepeatable(): boolean {
    return this.#body === undefined && SAFE.has(this.#options.exchange.head.method)
  }

  #again(next: () => UpstreamServer): void {
    // Not within the report of a failure: the connection that failed is not done with it yet.
    setImmediate(() => {
      if (this.#isOver) return
      try {
        this.#ask(next())
      } catch (refusal) {
        this.#fail(refusal)
      }
    })
  }
}

/** Never both: readers differ in which they take. */
function framingOf(incoming: Headers, isStaged: boolean): readonly [name: string, value: string] {
  const isOpen = isStaged || valueOf(incoming, 'transfer-encoding') !== undefined
  if (isOpen) return ['transfer-encoding', 'chunked']
  return ['content-length', valueOf(incoming, 'content-length') ?? '0']
}
