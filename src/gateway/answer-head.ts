import { ServerResponse } from 'node:http'
import type { Transform } from 'node:stream'
import { bodyHeadOf, stagesFor, withoutBodyFacts } from './body-stages.ts'
import { Denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { flat, forNode, type Headers, valueOf } from './headers.ts'

/** An upstream's head as the caller gets it. */
export interface AnswerHead {
  readonly status: number
  /** The service's, as far as they go on. */
  readonly headers: Headers
  /** The gateway's own. */
  readonly own: Headers
  /** False for answers that end with their head, whatever it says of a body. */
  readonly hasBody: boolean
  /** Empty when the body goes on as it comes. */
  readonly stages: readonly Transform[]
}

/** @throws Denial of a stage that refuses the answer by its head, and for a part where stages look */
export function answerHead(exchange: Exchange, status: number, fields: Headers): AnswerHead {
  const stages = stagesFor(exchange.answerStages, () => bodyHeadOf(fields))
  if (stages.length > 0 && status === 206) {
    throw new Denial('upstream_failed', 'the service did not answer', 'upstream: a part, unasked')
  }
  let headers = fields
  for (const change of exchange.onAnswer) headers = change(headers)
  if (stages.length > 0) headers = withoutBodyFacts(headers)
  const own = exchange.answer
  // A cache between us and the caller would not know whose answer it is.
  if (valueOf(headers, 'cache-control') === undefined) own.push(NOT_CACHED)
  const hasBody = exchange.head.method !== 'HEAD' && status !== 204 && status !== 304
  return { status, headers, own, hasBody, stages }
}
const NOT_CACHED: [string, string] = ['cache-control', 'private, no-store']

/** Not sent yet: it goes out with the first bytes of the body, or by `flushHeaders`. */
export function writeHead(
  response: ServerResponse,
  status: number,
  headers: Headers,
  own: Headers = [],
): void {
  // Node's form of HTTP/2, which is no such class, would take the last of several fields of one name.
  const isPlain = response instanceof ServerResponse
  response.writeHead(status, isPlain ? flat(headers, own) : forNode([...headers, ...own]))
}
