import { type ErrorCode, messageOf, RingfenceError } from '../core/errors.ts'

/** HTTP statuses of refusals; a code that is not here is the server's own trouble. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  invalid_argument: 400,
  invalid_tenant_id: 400,
  invalid_manifest: 400,
  invalid_url: 400,
  invalid_token: 401,
  not_authenticated: 401,
  forbidden: 403,
  tenant_unknown: 404,
  not_found: 404,
  already_exists: 409,
  conflict: 409,
  tenant_not_active: 409,
  approval_required: 409,
  move_failed: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported_media_type: 415,
  misdirected: 421,
  idempotency_key_reused: 422,
  content_refused: 422,
  rate_limited: 429,
  lease_denied: 429,
  upstream_failed: 502,
  engine_unavailable: 503,
  not_writable: 503,
  overloaded: 503,
  snapshot_stale: 503,
  revocations_unknown: 503,
  no_capacity: 503,
  timed_out: 504,
}

/** An RFC 9457 problem document. `type` names the entry of the code in the documentation. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly request_id?: string
}

export const PROBLEM_TYPE = 'application/problem+json'

/** What a caller may know of an error. Anything that is not a RingfenceError is only `internal`. */
export function problemOf(error: unknown, requestId?: string): Problem {
  const code = error instanceof RingfenceError ? error.code : 'internal'
  const status = STATUS[code] ?? 500
  const title = status === 500 ? 'something went wrong on our side' : messageOf(error)
  return {
    type: `urn:ringfence:error:${code}`,
    title,
    status,
    code,
    ...(requestId === undefined ? {} : { request_id: requestId }),
  }
}

/** The problem as a response. */
export function problemResponse(
  error: unknown,
  requestId?: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const problem = problemOf(error, requestId)
  return new Response(`${JSON.stringify(problem)}\n`, {
    status: problem.status,
    headers: { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store', ...headers },
  })
}
