/** Errors of RFC 6749, section 5.2, and RFC 8707, section 2. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_scope'
  | 'invalid_target'
  | 'unsupported_grant_type'
  | 'temporarily_unavailable'

const STATUS: Readonly<Partial<Record<OAuthErrorCode, number>>> = {
  invalid_client: 401,
  temporarily_unavailable: 503,
}

/** A refusal at the token endpoint. `reason` is for the log; the caller learns the code alone. */
export class OAuthError extends Error {
  readonly code: OAuthErrorCode

  constructor(code: OAuthErrorCode, reason: string) {
    super(reason)
    this.code = code
  }
}

export const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' } as const

export function oauthErrorResponse(error: OAuthError): Response {
  const status = STATUS[error.code] ?? 400
  // RFC 9110, section 11.6.1: with 401 goes a challenge. It names no realm of ours.
  const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="token"' } : {}
  return Response.json({ error: error.code }, { status, headers: { ...NO_STORE, ...challenge } })
}
