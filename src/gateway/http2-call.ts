import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from 'node:http2'
import type { Readable } from 'node:stream'
import { TIMED_OUT } from './body-call.ts'
import { forNode, headersOf } from './headers.ts'
import type { Http2Seat, Http2Server } from './http2-upstream.ts'
import type { GatewayLimits } from './limits.ts'
import type { UpstreamAnswer, UpstreamCall } from './upstream-call.ts'

/** Of HTTP/1.1 alone (RFC 9113, section 8.2.2). */
const OF_ONE_CONNECTION = new Set([
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
])
const GRPC = /^application\/grpc/
/** What gRPC says at the end; where there is no body it may say it in the head. */
const GRPC_END = /^grpc-(?:status|message|status-details-bin)$/

/** A request over HTTP/2: its answer may have trailers, without which gRPC says nothing. */
export class Http2Call implements UpstreamCall {
  readonly #seat: Http2Seat
  readonly #stream: ClientHttp2Stream
  readonly #answer: UpstreamAnswer
  #isAnswered = false
  #isOver = false

  /** @throws Denial when no connection is free */
  constructor(
    server: Http2Server,
    request: {
      readonly path: string
      readonly method: string
      readonly headers: readonly string[]
    },
    body: Readable | undefined,
    limits: Pick<GatewayLimits, 'firstByteMs' | 'idleMs'>,
    answer: UpstreamAnswer,
  ) {
    this.#answer = answer
    this.#seat = server.take()
    const stream = this.#seat.session.request(headOf(request), { endStream: body === undefined })
    this.#stream = stream
    const end = () => stream.destroy(new Error(TIMED_OUT))
    let answering: NodeJS.Timeout | undefined
    const wait = () => {
      if (!this.#isAnswered) answering = setTimeout(end, limits.firstByteMs)
    }
    if (body === undefined) wait()
    else {
      stream.once('finish', wait)
      body.pipe(stream)
    }
    stream.setTimeout(limits.idleMs, end)
    stream.once('response', (_fields, flags, raw) => {
      clearTimeout(answering)
      this.#hear(raw, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0)
    })
    stream.once('trailers', (_fields, _flags, raw) => this.#onTrailers(raw))
    stream.on('error', (error) => this.#fail(error))
    stream.once('close', () => {
      clearTimeout(answering)
      body?.destroy()
      this.#seat.leave()
      this.#fail(new Error('the upstream gave no answer'))
    })
  }

  #hear(raw: readonly string[], isAll: boolean): void {
    if (this.#isOver) return
    this.#isAnswered = true
    const fields: string[] = []
    const last: string[] = []
    let status = 502
    for (let index = 0; index + 1 < raw.length; index += 2) {
      const [name = '', value = ''] = [raw[index], raw[index + 1]]
      if (name === ':status') status = Number(value)
      else if (isAll && GRPC_END.test(name)) last.push(name, value)
      else if (!name.startsWith(':')) fields.push(name, value)
    }
    const stream = this.#stream
    this.#answer.onHead(stream, status, headersOf(fields))
    if (last.length > 0) this.#onTrailers(last)
    stream.on('data', (chunk: Buffer) => {
      if (!this.#isOver) this.#answer.onData(chunk)
    })
    stream.once('end', () => {
      // One that was reset has an end as well.
      if (this.#isOver || stream.rstCode !== constants.NGHTTP2_NO_ERROR) return
      this.#isOver = true
      this.#answer.onEnd()
      // A service that has said all does not want the rest of the body.
      if (!stream.writableFinished) stream.close(constants.NGHTTP2_CANCEL)
    })
  }

  #onTrailers(fields: readonly string[]): void {
    if (!this.#isOver) this.#answer.onTrailers?.(fields)
  }

  #fail(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    const isRefused = this.#stream.rstCode === constants.NGHTTP2_REFUSED_STREAM
    this.#answer.onError(error, isRefused || (this.#seat.isUsed && !this.#isAnswered))
  }

  abort(_error: Error): void {
    this.#isOver = true
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }
}

function headOf(request: {
  readonly path: string
  readonly method: string
  readonly headers: readonly string[]
}): OutgoingHttpHeaders {
  const fields = headersOf(request.headers).filter(([name]) => !OF_ONE_CONNECTION.has(name))
  const type = fields.find(([name]) => name === 'content-type')?.[1] ?? ''
  return {
    ...forNode(fields),
    ':method': request.method,
    ':path': request.path,
    // Servers of gRPC ask for it (its protocol over HTTP/2, "Requests").
    ...(GRPC.test(type) ? { te: 'trailers' } : {}),
  }
}
