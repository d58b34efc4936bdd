import { RingfenceError } from '../core/errors.ts'
import { CONTEXT_HEADER } from '../tokens/tenant-context.ts'
import type { TraceHeaders } from '../http/trace-context.ts'

/** A request as Node's http has it, or as fetch has it. */
export type IncomingRequest =
  | { readonly rawHeaders: readonly string[] }
  | { readonly headers: Headers }

/** RFC 7515, section 7.1: no comma and no space, so that two joined headers are not one token. */
const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/** The request's tenant context. @throws RingfenceError `invalid_token` unless there is exactly one */
export function tokenOfRequest(request: IncomingRequest): string {
  const [token, ...others] = headerValues(request, CONTEXT_HEADER)
  if (token === undefined || others.length > 0 || !COMPACT_JWS.test(token)) {
    throw new RingfenceError('invalid_token', 'the token is not valid', {
      detail: token === undefined ? 'no context came' : 'not exactly one context came',
    })
  }
  return token
}

export function traceHeadersOf(request: IncomingRequest): TraceHeaders {
  const [traceparent, ...others] = headerValues(request, 'traceparent')
  if (traceparent === undefined || others.length > 0) return {}
  // Several tracestate headers are one list (section 3.3.1 of the recommendation).
  const states = headerValues(request, 'tracestate')
  return { traceparent, tracestate: states.length > 0 ? states.join(',') : undefined }
}

function headerValues(request: IncomingRequest, name: string): readonly string[] {
  if ('rawHeaders' in request) {
    const { rawHeaders } = request
    return rawHeaders.filter(
      (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
    )
  }
  const value = request.headers.get(name)
  return value === null ? [] : [value]
}
