import type { IncomingMessage } from 'node:http'
import { RingfenceError } from '../core/errors.ts'
import { parseAddress, UNKNOWN_ADDRESS } from '../edge/address.ts'
import { type Headers, headersOf, valueOf, valuesOf } from '../gateway/headers.ts'
import type { RequestHead } from '../gateway/request-head.ts'
import { SECRET_FIELD } from './proxy-secret.ts'

/** What nginx says of the request that it asks about. Each field is set by it, whatever a caller sent. */
export const ORIGINAL = 'ringfence-original-'

/** Fields for one hop: nginx does not pass them on by itself, and says them apart. */
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
  const scheme = said(asked, 'scheme')
  const requestId = said(asked, 'request-id')
  if ((scheme !== 'http' && scheme !== 'https') || !REQUEST_ID.test(requestId)) throw notNginx()
  return {
    requestId,
    head: {
      method: said(asked, 'method'),
      target: said(asked, 'uri'),
      rawHeaders: originalFields(asked),
      address: parseAddress(said(asked, 'address')) ?? UNKNOWN_ADDRESS,
      serverName:
        scheme === 'https' ? (maybeSaid(asked, 'server-name') ?? '').toLowerCase() : undefined,
      inner: undefined,
    },
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

/** nginx leaves out what is empty. */
function maybeSaid(asked: Headers, name: string): string | undefined {
  if (valuesOf(asked, ORIGINAL + name).length > 1) throw notNginx()
  return valueOf(asked, ORIGINAL + name)
}

function said(asked: Headers, name: string): string {
  const value = maybeSaid(asked, name)
  if (value === undefined) throw notNginx()
  return value
}

function notNginx(): RingfenceError {
  return new RingfenceError('invalid_argument', 'this is not asked as the generated nginx asks')
}
