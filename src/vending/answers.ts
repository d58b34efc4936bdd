import type { Lease } from '../core/lease.ts'
import type { Attempt } from './attempt.ts'
import { limitHeaders } from './limits.ts'
import type { Refusal } from './refusal.ts'

const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' } as const

/**
 * A lease in the names of RFC 8693, section 2.2.1, and beside them in those of HashiCorp Vault. The
 * issued token is the credential itself, as base64url of its JSON.
 */
export function grantAnswer(attempt: Attempt, lease: Lease, secondsLeft: number): Response {
  return json(200, headersOf(attempt.requestId, attempt), {
    access_token: Buffer.from(JSON.stringify(lease.credential)).toString('base64url'),
    issued_token_type: `urn:ringfence:params:token-type:${lease.boundary}-credential`,
    token_type: 'N_A',
    scope: lease.scope,
    expires_in: secondsLeft,
    request_id: attempt.requestId,
    lease_id: lease.lease_id,
    lease_duration: secondsLeft,
    renewable: lease.renewable && attempt.jobEndsAt === undefined,
    data: lease.credential,
    warnings: attempt.warnings.length === 0 ? null : attempt.warnings,
  })
}

/** As RFC 7009, section 2.2, has it: also for a lease that there is not. */
export function revokedAnswer(requestId: string, attempt: Attempt): Response {
  return json(200, headersOf(requestId, attempt), {})
}

/** RFC 6749, section 5.2, and no word more. */
export function refusalAnswer(
  requestId: string,
  attempt: Attempt | undefined,
  refusal: Refusal,
): Response {
  const { error, status, retryAfterSeconds } = refusal
  const retry = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  return json(status, { ...headersOf(requestId, attempt), ...retry }, { error })
}

function headersOf(requestId: string, attempt: Attempt | undefined): Record<string, string> {
  return { ...NO_STORE, 'x-request-id': requestId, ...limitHeaders(attempt?.limits ?? []) }
}

function json(status: number, headers: Readonly<Record<string, string>>, body: object): Response {
  return Response.json(body, { status, headers })
}
