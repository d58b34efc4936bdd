import type { IncomingMessage } from 'node:http'
import { RingfenceError } from '../core/errors.ts'
import { parseAddress, UNKNOWN_ADDRESS } from '../edge/address.ts'
import { type Headers, headersOf, valueOf, valuesOf } from '../gateway/headers.ts'
import type { RequestHead } from '../gateway/request-head.ts'
import { SECRET_FIELD } from './proxy-secret.ts'

/** What a proxy says of the request that it asks about. Each field is set by it, whatever a caller sent. */
export const ORIGINAL = 'ringfence-original-'

/** Fields for one hop: a proxy does not pass them on by itself, and says them apart. */
export const SAID_APART = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'expect',
  'te',
  'upgrade',
  'keep-alive',
] as const

const REQUEST_ID = /^[0-9a-f]{32}$/

/**
 * The request that nginx asks about by a sub-request: the caller's own fields, and what nginx says.
 * @throws RingfenceError `invalid_argument` for what nginx would not say
 */
export function nginxQuestion(request: Pick<IncomingMessage, 'rawHeaders'>): {
  readonly head: RequestHead
  readonly requestId: string
} {
  const asked = headersOf(request.rawHeaders)
  const requestId = said(asked, 'request-id')
  if (!REQUEST_ID.test(requestId)) throw notAsked()
  const line = { method: said(asked, 'method'), target: said(asked, 'uri') }
  return { requestId, head: saidHead(asked, line) }
}

/**
 * A request as a proxy says it in fields of its own beside the caller's.
 * @throws RingfenceError `invalid_argument` for what none of ours would say
 */
export function saidHead(
  asked: Headers,
  line: Pick<RequestHead, 'method' | 'target'>,
): RequestHead {
  const scheme = said(asked, 'scheme')
  if (scheme !== 'http' && scheme !== 'https') throw notAsked()
  return {
    ...line,
    rawHeaders: originalFields(asked),
    address: parseAddress(said(asked, 'address')) ?? UNKNOWN_ADDRESS,
    serverName:
      scheme === 'https' ? (maybeSaid(asked, 'server-name') ?? '').toLowerCase() : undefined,
    inner: undefined,
  }
}

function originalFields(asked: Headers): string[] {
  const fields: string[] = []
  for (const [name, value] of asked) {
    const isOurs = name === SECRET_FIELD || name.startsWith(ORIGINAL)
    if (!isOurs && !SAID_APART.some((one) => one === name)) fields.push(name, value)
  }
  for (const name of SAID_APART) {
    const value = maybeSaid(asked, name)
    if (value !== undefined) fields.push(name, value)
  }
  return fields
}

/** Proxies leave out what is empty. */
function maybeSaid(asked: Headers, name: string): string | undefined {
  if (valuesOf(asked, ORIGINAL + name).length > 1) throw notAsked()
  return valueOf(asked, ORIGINAL + name)
}

/** @throws RingfenceError `invalid_argument` unless it is said, once */
export function said(asked: Headers, name: string): string {
  const value = maybeSaid(asked, name)
  if (value === undefined) throw notAsked()
  return value
}

function notAsked(): RingfenceError {
  return new RingfenceError('invalid_argument', 'this is not asked as the proxies of ours ask')
}
