import { type ErrorCode, RingfenceError } from '../core/errors.ts'
import type { Headers } from './headers.ts'

/** A refusal by the gateway: what the caller is told, and the reason that only the log is told. */
export class Denial extends RingfenceError {
  readonly reason: string
  readonly headers: Headers

  constructor(code: ErrorCode, message: string, reason: string, headers: Headers = []) {
    super(code, message)
    this.reason = reason
    this.headers = headers
  }
}

const BEARER = /^Bearer /
/** RFC 9449, section 7.1. */
const DPOP = 'DPoP algs="ES256 EdDSA", '

/** A refusal's fields, as whoever presents a token with a proof is told. By the caller's words alone. */
export function inSchemeOf(headers: Headers, scheme: 'bearer' | 'dpop' | undefined): Headers {
  if (scheme !== 'dpop') return headers
  return headers.map(([name, value]) => [
    name,
    name === 'www-authenticate' ? value.replace(BEARER, DPOP) : value,
  ])
}

/**
 * One answer for an unknown tenant, a suspended one, another's, and a token that is not valid for
 * it. `sent` says whether a token came: RFC 6750, section 3.1, has an error code only then.
 */
export function unauthenticated(reason: string, sent: boolean): Denial {
  const challenge = sent
    ? 'Bearer realm="ringfence", error="invalid_token"'
    : 'Bearer realm="ringfence"'
  return new Denial('not_authenticated', 'this needs an access token that is valid here', reason, [
    ['www-authenticate', challenge],
  ])
}

/** A refusal that says besides where it is read how to get a token (RFC 9728, section 5.1). */
export function pointingAt(denial: Denial, metadataUrl: string): Denial {
  const headers = denial.headers.map(([name, value]): [string, string] => [
    name,
    name === 'www-authenticate' ? `${value}, resource_metadata="${metadataUrl}"` : value,
  ])
  return new Denial(denial.code, denial.message, denial.reason, headers)
}

export function malformed(reason: string): Denial {
  return new Denial('invalid_argument', 'the request is not of a form that is served here', reason)
}
