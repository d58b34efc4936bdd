import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { forNode, headersOf } from './headers.ts'
import type { GatewayLimits } from './limits.ts'
import type { UpstreamAnswer, UpstreamCall } from './upstream-call.ts'
import type { UpstreamServer } from './upstream.ts'

export const TIMED_OUT = 'ringfence: timed out'

/**
 * A request with a body, by Node's own client: its head is sent before there is anything of the body,
 * so that a service can refuse by the head alone. Where stages may still refuse it, a service hears
 * nothing of it until they have let some of it pass.
 */
export class BodyCall implements UpstreamCall {
  readonly #sending: ClientRequest
  #isAnswered = false
  #isOver = false

  constructor(
    server: UpstreamServer,
    request: {
      readonly path: string
      readonly method: string
      readonly headers: readonly string[]
      /** Its head waits for the body's first bytes: stages may still refuse it. */
      readonly waits: boolean
    },
    body: Readable,
    limits: Pick<GatewayLimits, 'connectMs' | 'firstByteMs' | 'idleMs'>,
    answer: UpstreamAnswer,
  ) {
    const ask = server.isSecure ? httpsRequest : httpRequest
    const { path, method, headers } = request
    const sending = ask({ ...server.options, path, method, headers: forNode(headersOf(headers)) })
    this.#sending = sending
    watchTimes(sending, limits)
    sending.once('response', (incoming) => {
      if (!this.#isOver) this.#hear(incoming, answer)
    })
    const fail = (error: Error) => {
      if (this.#isOver) return
      this.#isOver = true
      answer.onError(error, false)
    }
    sending.on('error', fail)
    // An upgrade, or anything else that ends it without an answer, must not leave us waiting.
    sending.once('close', () => {
      body.destroy()
      if (!this.#isAnswered) fail(new Error('the upstream gave no answer'))
    })
    if (!request.waits) sending.flushHeaders()
    body.pipe(sending)
  }

  #hear(incoming: IncomingMessage, answer: UpstreamAnswer): void {
    this.#isAnswered = true
    answer.onHead(incoming, incoming.statusCode ?? 502, headersOf(incoming.rawHeaders))
    incoming.on('data', (chunk: Buffer) => {
      if (!this.#isOver) answer.onData(chunk)
    })
    incoming.once('end', () => {
      if (this.#isOver) return
      this.#isOver = true
      // A service that has said all does not want the rest of the body.
      if (!this.#sending.writableFinished) this.#sending.destroy()
      answer.onEnd()
    })
    incoming.on('error', (error) => {
      if (this.#isOver) return
      this.#isOver = true
      answer.onError(error, false)
    })
  }

  abort(error: Error): void {
    this.#isOver = true
    this.#sending.destroy(error)
  }
}

/** Ends a request whose upstream does not connect, does not answer, or falls silent. */
function watchTimes(
  sending: ClientRequest,
  limits: Pick<GatewayLimits, 'connectMs' | 'firstByteMs' | 'idleMs'>,
): void {
  const end = () => sending.destroy(new Error(TIMED_OUT))
  let connecting: NodeJS.Timeout | undefined
  let answering: NodeJS.Timeout | undefined
  let isAnswered = false
  sending.setTimeout(limits.idleMs, end)
  sending.once('socket', (socket) => {
    if (!socket.connecting) return
    connecting = setTimeout(end, limits.connectMs)
    socket.once('connect', () => clearTimeout(connecting))
  })
  sending.once('finish', () => {
    if (!isAnswered) answering = setTimeout(end, limits.firstByteMs)
  })
  sending.once('response', () => {
    isAnswered = true
    clearTimeout(answering)
  })
  sending.once('close', () => {
    clearTimeout(connecting)
    clearTimeout(answering)
  })
}
