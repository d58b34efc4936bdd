import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { messageOf } from '../core/errors.ts'
import { bodyHeadOf, stageDenial, stagesFor, withoutBodyFacts } from './body-stages.ts'
import { Denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { forNode, type Headers, headersOf, valuesOf } from './headers.ts'
import { bodyTooLarge } from './limit-checks.ts'
import type { GatewayLimits } from './limits.ts'

/** Fields that say how long a body is or whom it is for: the gateway says that anew. */
const FRAMING = new Set(['host', 'content-length', 'transfer-encoding', 'expect'])
const RANGE = new Set(['range', 'if-range'])

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
  const { exchange, request, response } = forwarding
  const stages = stagesFor(hasBody(request) ? exchange.bodyStages : [], () =>
    bodyHeadOf(exchange.incoming),
  )
  const answer = await answerOf(forwarding, stages)
  const status = answer.statusCode ?? 502
  let headers = headersOf(answer.rawHeaders)
  const back = answerStagesOf(forwarding, status, headers, answer)
  for (const change of exchange.onAnswer) headers = change(headers)
  if (back.length > 0) headers = withoutBodyFacts(headers)
  if (valuesOf(headers, 'cache-control').length === 0) {
    // A cache between us and the caller would not know whose answer it is.
    headers = [...headers, ['cache-control', 'private, no-store']]
  }
  const begin = () => {
    response.writeHead(status, forNode([...headers, ...exchange.answer]))
    response.flushHeaders()
  }
  const bodiless = request.method === 'HEAD' || status === 204 || status === 304
  // With a stage, the head waits for what it lets pass: until then it can be refused.
  if (back.length === 0 || bodiless) begin()
  let broken: unknown
  for (const stage of back) stage.once('error', (error) => (broken ??= stageDenial(error)))
  try {
    if (bodiless) await pipeline(answer, sinkOf(exchange, response, begin))
    else await pipeline([answer, ...back, sinkOf(exchange, response, begin)])
  } catch (error) {
    throw broken ?? (response.headersSent ? error : upstreamDenial(error))
  }
}

/**
 * The stages of an answer. A part of one is refused: what a stage looks for may lie across its edge.
 * @throws Denial
 */
function answerStagesOf(
  { exchange }: Forwarding,
  status: number,
  headers: Headers,
  answer: IncomingMessage,
): Transform[] {
  try {
    const stages = stagesFor(exchange.answerStages, () => bodyHeadOf(headers))
    if (stages.length > 0 && status === 206) {
      throw new Denial('upstream_failed', 'the service did not answer', 'upstream: a part, unasked')
    }
    return stages
  } catch (error) {
    answer.destroy()
    throw stageDenial(error)
  }
}

/** The answer as the caller gets it. It leaves the response open to a refusal when the body fails. */
function sinkOf(exchange: Exchange, response: ServerResponse, begin: () => void): Writable {
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!response.headersSent) begin()
      exchange.bytes.answer += chunk.length
      if (response.write(chunk)) done()
      else response.once('drain', done)
    },
    final(done) {
      if (!response.headersSent) begin()
      response.end(done)
    },
  })
  response.once('close', () => sink.destroy(new Error('the caller is gone')))
  return sink
}

/** The upstream's answer, its body still to come. One that a kept connection lost is asked anew. */
async function answerOf(
  forwarding: Forwarding,
  stages: readonly Transform[],
): Promise<IncomingMessage> {
  const { request } = forwarding
  const repeatable = request.method === 'GET' || request.method === 'HEAD'
  for (let attempt = 0; ; attempt += 1) {
    const sending = forwarding.start(headersFor(forwarding, stages.length > 0))
    try {
      return await ask(sending, forwarding, stages)
    } catch (error) {
      sending.destroy()
      // The upstream closed a connection at the moment at which we used it again.
      const lost = sending.reusedSocket && isCode(error, 'ECONNRESET', 'EPIPE')
      if (!(lost && repeatable && !hasBody(request) && attempt < 2)) throw upstreamDenial(error)
    }
  }
}

function headersFor({ exchange, own }: Forwarding, isStaged: boolean): Record<string, string[]> {
  const ownNames = new Set(own.map(([name]) => name))
  const outgoing = isStaged ? withoutBodyFacts(exchange.outgoing) : exchange.outgoing
  // A part of an answer is more than a stage can judge: it is asked for whole.
  const whole = exchange.answerStages.length > 0
  const kept = outgoing.filter(
    ([name]) => !FRAMING.has(name) && !ownNames.has(name) && !(whole && RANGE.has(name)),
  )
  const framing: Headers = isStaged ? [['transfer-encoding', 'chunked']] : framingOf(exchange)
  return forNode([...kept, ...own, ...framing])
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

function ask(
  sending: ClientRequest,
  forwarding: Forwarding,
  stages: readonly Transform[],
): Promise<IncomingMessage> {
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
    const gauge = limited(exchange)
    for (const stage of [gauge, ...stages]) {
      stage.once('error', (error) => {
        reject(stageDenial(error))
        sending.destroy()
      })
    }
    // Not by `pipeline`: that would cut the caller off before the refusal has reached it.
    sending.once('close', () => {
      request.unpipe(gauge)
      request.resume()
    })
    stages.reduce((from, stage) => from.pipe(stage), request.pipe(gauge)).pipe(sending)
  })
}

function limited({ bytes, bodyBytesMax }: Exchange): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes.request += chunk.length
      if (bytes.request > bodyBytesMax) done(bodyTooLarge())
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
