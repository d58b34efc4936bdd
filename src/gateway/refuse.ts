import type { IncomingMessage, ServerResponse } from 'node:http'
import { PROBLEM_TYPE, problemOf } from '../http/problem.ts'
import { writeHead } from './answer-head.ts'
import { Denial, inSchemeOf } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { headersOf } from './headers.ts'
import { hasBody } from './request-body.ts'

/** Answers with a problem document, or cuts off an answer that has begun. */
export function refuse(
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
  if (hasBody(headersOf(request.rawHeaders)) && !request.complete) {
    headers.push(['connection', 'close'])
  }
  writeHead(response, problem.status, headers)
  response.end(body)
}
