import type { ServerResponse } from 'node:http'
import { type ErrorCode, RingfenceError } from '../core/errors.ts'
import { PROBLEM_TYPE, type Problem, problemOf } from '../http/problem.ts'

/** What a caller gets whose context is not accepted: one answer, whatever is wrong with it. */
export interface RefusedRequest {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The answer to a request that failed, as an RFC 9457 problem document. */
export function refusalOf(error: unknown): RefusedRequest {
  const problem: Problem = problemOf(error)
  return {
    status: problem.status,
    headers: {
      'content-type': PROBLEM_TYPE,
      'cache-control': 'no-store',
      ...(problem.status === 401 ? { 'www-authenticate': 'Ringfence-Context' } : {}),
      ...(MAY_PASS.has(problem.code) ? { 'retry-after': '1' } : {}),
    },
    body: `${JSON.stringify(problem)}\n`,
  }
}

const MAY_PASS: ReadonlySet<ErrorCode> = new Set([
  'rate_limited',
  'lease_denied',
  'overloaded',
  'engine_unavailable',
])

/** Sends the answer, or cuts the connection when another one has begun. */
export function sendRefusal(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy(error instanceof RingfenceError ? error : undefined)
    return
  }
  const { status, headers, body } = refusalOf(error)
  response.writeHead(status, headers).end(body)
}
