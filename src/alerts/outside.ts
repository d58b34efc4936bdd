import { connect as connectPlain, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { RingfenceError } from '../core/errors.ts'
import { type Answer, type Call, call } from '../http/call.ts'
import { parseOutsideUrl } from '../http/outside-url.ts'
import {
  type IsOurs,
  portOf,
  type UpstreamGuard,
  upstreamGuard,
} from '../upstreams/upstream-guard.ts'

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
  /**
   * A connection of another protocol than HTTP, by the same rule: over TLS for `https:`, plain for `http:`.
   * @param ca whose certificates are trusted, as PEM; default the system's
   * @throws RingfenceError `invalid_argument`, `engine_unavailable`
   */
  connect(url: URL, ca?: string): Promise<Socket>
}

/** On the word of the platform's operator: any HTTPS server, and HTTP on this machine. */
export function platformOutside(): Outside {
  return {
    url: parseOutsideUrl,
    send: (url, what) => send(url, what),
    connect: (url, ca) => connected(url, ca),
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
  const refused = () => new RingfenceError('invalid_argument', 'this address may not be sent to')
  const judge = (url: URL) => {
    if (url.protocol !== 'https:' || guard.refusalOf(url, isOurs) !== undefined) throw refused()
  }
  return {
    url(text) {
      const url = parseOutsideUrl(text)
      judge(url)
      return url
    },
    async send(url, what) {
      judge(url)
      return send(url, { ...what, lookup: guard.lookupFor(url, isOurs) })
    },
    async connect(url, ca) {
      judge(url)
      return connected(url, ca, guard.lookupFor(url, isOurs))
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

/** Gives up after the same silence as a call. Whoever gets the socket ends it. */
function connected(url: URL, ca?: string, lookup?: LookupFunction): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const how = { host, port: portOf(url), ...(lookup === undefined ? {} : { lookup }) }
  const isSecure = url.protocol === 'https:'
  const named = isIP(host) === 0 ? { servername: host } : {}
  return new Promise((resolve, reject) => {
    const socket = isSecure
      ? connectSecure({ ...how, ...named, ...(ca === undefined ? {} : { ca }) })
      : connectPlain(how)
    const fail = (error: Error) => {
      socket.destroy()
      reject(
        new RingfenceError('engine_unavailable', 'the receiver does not answer', { cause: error }),
      )
    }
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('silence')))
    socket.once('error', fail)
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      socket.off('error', fail)
      resolve(socket)
    })
  })
}
