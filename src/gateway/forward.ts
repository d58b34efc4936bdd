import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { messageOf } from '../core/errors.ts'
import { Denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { forNode, type Headers, headersOf, valuesOf } from './headers.ts'
import { bodyTooLarge } from './limit-checks.ts'
import type { GatewayLimits } from './limits.ts'

/** Fields that say how long a body is or whom it is for: the gateway says that anew. */
const FRAMING = new Set(['host', 'content-length', 'transfer-encoding', 'expect'])

export interface Forwarding {
  readonly exchange: Exchange
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly limits: GatewayLimits
  /** Fields that the gateway itself adds; they win over any of the same name. */
  readonly own: Headers
  /** Begins the request upstream. */
  start(headers: Readonly<Record<string, string[]>>): ClientRequest
}

/**
 * Sends the request upstream and the answer back, each as it comes, at the pace of the slower side.
 * Resolves when the caller has the whole answer.
 * @throws Denial while nothing of an answer was sent; any other error when it is cut off midway
 */
export async function forward(forwarding: Forwarding): Promise<void> {
  const { exchange, response } = forwarding
  const answer = await answerOf(forwarding)
  let headers = headersOf(answer.rawHeaders)
  for (const change of exchange.onAnswer) headers = change(headers)
  if (valuesOf(headers, 'cache-control').length === 0) {
    // A cache between us and the caller would not know whose answer it is.
    headers = [...headers, ['cache-control', 'private, no-store']]
  }
  response.writeHead(answer.statusCode ?? 502, forNode([...headers, ...exchange.answer]))
  response.flushHeaders()
  await pipeline(answer, response)
}

/** The upstream's answer, its body still to come. One that a kept connection lost is asked anew. */
async function answerOf(forwarding: Forwarding): Promise<IncomingMessage> {
  const { request } = forwarding
  const repeatable = request.method === 'GET' || request.method === 'HEAD'
  for (let attempt = 0; ; attempt += 1) {
    const sending = forwarding.start(headersFor(forwarding))
    try {
      return await ask(sending, forwarding)
    } catch (error) {
      sending.destroy()
      // The upstream closed a connection at the moment at which we used it again.
      const lost = sending.reusedSocket && isCode(error, 'ECONNRESET', 'EPIPE')
      if (!(lost && repeatable && !hasBody(request) && attempt < 2)) throw upstreamDenial(error)
    }
  }
}

function headersFor({ exchange, own }: Forwarding): Record<string, string[]> {
  const ownNames = new Set(own.map(([name]) => name))
  const kept = exchange.outgoing.filter(([name]) => !FRAMING.has(name) && !ownNames.has(name))
  return forNode([...kept, ...own, ...framingOf(exchange)])
}

function framingOf({ incoming }: Exchange): Headers {
  const [length] = valuesOf(incoming, 'content-length')
  if (valuesOf(incoming, 'transfer-encoding').length > 0) return [['transfer-encoding', 'chunked']]
  return length === undefined ? [] : [['content-length', length]]
}

/** Whether bytes follow the head of a request. */
export function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  return coding !== undefined || length !== '0'
}

function ask(sending: ClientRequest, forwarding: Forwarding): Promise<IncomingMessage> {
  const { exchange, request, response, limits } = forwarding
  return new Promise((resolve, reject) => {
    const watch = watchTimes(sending, limits)
    const gone = () => sending.destroy(new Error('the caller is gone'))
    response.once('close', gone)
    sending.once('response', (answer) => {
      watch.answered()
      answer.once('end', () => response.off('close', gone))
      resolve(answer)
    })
    sending.on('error', (error) => {
      response.off('close', gone)
      reject(error)
    })
    // An upgrade, or anything else that ends it without an answer, must not leave us waiting.
    sending.once('close', () => reject(new Error('the upstream gave no answer')))
    sending.once('finish', () => watch.sent())
    if (!hasBody(request)) {
      sending.end()
      return
    }
    if (request.headers.expect !== undefined) response.writeContinue()
    // The service may refuse by the head alone.
    sending.flushHeaders()
    const gauge = limited(exchange.bodyBytesMax)
    gauge.once('error', (error) => {
      reject(error)
      sending.destroy()
    })
    // Not by `pipeline`: that would cut the caller off before the refusal has reached it.
    sending.once('close', () => {
      request.unpipe(gauge)
      request.resume()
    })
    request.pipe(gauge).pipe(sending)
  })
}

function limited(bytesMax: number): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > bytesMax) done(bodyTooLarge())
      else done(undefined, chunk)
    },
  })
}

const TIMED_OUT = 'ringfence: timed out'

/** Ends a request whose upstream does not connect, does not answer, or falls silent. */
function watchTimes(sending: ClientRequest, limits: GatewayLimits) {
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
  sending.once('close', () => {
    clearTimeout(connecting)
    clearTimeout(answering)
  })
  return {
    sent() {
      if (!isAnswered) answering = setTimeout(end, limits.firstByteMs)
    },
    answered() {
      isAnswered = true
      clearTimeout(answering)
    },
  }
}

function upstreamDenial(error: unknown): unknown {
  if (error instanceof Denial) return error
  if (messageOf(error) === TIMED_OUT) {
    return new Denial('timed_out', 'the service did not answer in time', 'upstream: timed out')
  }
  return new Denial(
    'upstream_failed',
    'the service did not answer',
    `upstream: ${messageOf(error)}`,
  )
}

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
