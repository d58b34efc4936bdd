import { errors } from 'undici'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { Failure } from '../upstreams/server-state.ts'
import { TIMED_OUT } from './body-call.ts'
import { Denial } from './denial.ts'

/** What a caller is told when a service gave no answer. A refusal of our own stays what it is. */
export function upstreamDenial(error: unknown): unknown {
  if (error instanceof RingfenceError) return error
  const isLate =
    error instanceof errors.ConnectTimeoutError ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    messageOf(error) === TIMED_OUT
  if (isLate) {
    return new Denial('timed_out', 'the service did not answer in time', 'upstream: timed out')
  }
  return new Denial(
    'upstream_failed',
    'the service did not answer',
    `upstream: ${messageOf(error)}`,
  )
}

/** No connection was made: nothing of the request has reached anybody. */
const UNREACHED = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])

export function failureOf(error: Error): Failure {
  return 'code' in error && UNREACHED.has(String(error.code)) ? 'unreached' : 'unanswered'
}
