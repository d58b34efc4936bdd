import { RingfenceError } from '../core/errors.ts'
import { type Answer, type Call, call } from '../http/call.ts'
import { parseOutsideUrl } from '../http/outside-url.ts'
import { type IsOurs, type UpstreamGuard, upstreamGuard } from '../upstreams/upstream-guard.ts'

const TIMEOUT_MS = 15_000
/** Nothing of an answer is needed but its status, and of ServiceNow's a record. */
const ANSWER_BYTES_MAX = 64 * 1024

/** How sinks reach the outside on an owner's word. */
export interface Outside {
  /** @throws RingfenceError `invalid_argument` for an address that may not be used at all */
  url(text: string): URL
  /**
   * One call; a redirect is an answer like any other, and is not followed.
   * @throws RingfenceError `forbidden`, `engine_unavailable`, `timed_out`
   */
  send(url: URL, what: Omit<Call, 'path' | 'lookup'>): Promise<Answer>
}

/** On the word of the platform's operator: any HTTPS server, and HTTP on this machine. */
export function platformOutside(): Outside {
  return {
    url: parseOutsideUrl,
    send: (url, what) => send(url, what),
  }
}

export interface TenantOutsideOptions {
  /** Default: the public internet alone. */
  readonly guard?: UpstreamGuard
  /** The platform's own places, whatever else is allowed. Default none. */
  readonly isOurs?: IsOurs
}

/**
 * On a tenant's word: HTTPS to the public internet. The address is judged when the sink is made, when
 * it is used, and by what its name is resolved to for that very connection; what is refused and what
 * does not answer look alike.
 */
export function tenantOutside({
  guard = upstreamGuard(),
  isOurs = () => false,
}: TenantOutsideOptions = {}): Outside {
  const refused = () =>
    new RingfenceError('invalid_argument', 'this address may not be told of alerts')
  return {
    url(text) {
      const url = parseOutsideUrl(text)
      if (url.protocol !== 'https:' || guard.refusalOf(url, isOurs) !== undefined) throw refused()
      return url
    },
    async send(url, what) {
      if (url.protocol !== 'https:' || guard.refusalOf(url, isOurs) !== undefined) throw refused()
      return send(url, { ...what, lookup: guard.lookupFor(url, isOurs) })
    },
  }
}

function send(url: URL, what: Omit<Call, 'path'>): Promise<Answer> {
  return call(url.origin, {
    timeoutMs: TIMEOUT_MS,
    signal: AbortSignal.timeout(2 * TIMEOUT_MS),
    answerBytesMax: ANSWER_BYTES_MAX,
    ...what,
    path: `${url.pathname}${url.search}`,
  })
}
