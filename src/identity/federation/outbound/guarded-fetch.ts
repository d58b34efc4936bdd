import { lookup as systemLookup } from 'node:dns'
import { type RequestOptions, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { messageOf, RingfenceError } from '../../../core/errors.ts'
import { type AddressRules, addressRules } from '../../../core/public-addresses.ts'

const TIMEOUT_MS = 10_000
const ANSWER_BYTES_MAX = 1024 * 1024

/** What the platform's operator allows beyond https to public addresses. */
export interface OutboundOptions {
  /** Plain http, for a trial on one machine. Default false. */
  readonly allowHttp?: boolean
  /** Networks that are not public and may be reached all the same, as `10.1.0.0/16`. */
  readonly allowNetworks?: readonly string[]
  /** Milliseconds for a whole request. Default 10 000. */
  readonly timeoutMs?: number
  /** Finds a host's addresses. Default: the system's. */
  readonly lookup?: LookupFunction
  /** Certificate authorities instead of those that Node knows. PEM. */
  readonly ca?: string
}

export interface OutboundRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
}

/** Fetches from hosts that tenants name, and from nowhere that only we could reach. */
export interface GuardedFetch {
  /**
   * One request, answered in memory. A redirect is an answer like others; it is not followed.
   * @throws RingfenceError `invalid_url` (scheme, credentials, or an address that is not allowed),
   *   `upstream_failed`, `timed_out`, `too_large`
   */
  (url: string, request?: OutboundRequest): Promise<Response>
  /** @throws RingfenceError `invalid_url` for what would be refused without asking DNS */
  check(url: string): URL
}

/** The address is checked when the connection is made: a name cannot be looked up twice for two answers. */
export function guardedFetch(options: OutboundOptions = {}): GuardedFetch {
  const rules = addressRules(options.allowNetworks)
  const check = (text: string) => checkUrl(text, options.allowHttp ?? false, rules)
  const fetchOne = async (text: string, what: OutboundRequest = {}): Promise<Response> => {
    const url = check(text)
    const signals = [AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS), what.signal]
    const signal = AbortSignal.any(signals.filter((one) => one !== undefined))
    const settings: RequestOptions = {
      method: what.method ?? 'GET',
      // Compressed answers could be of any size once unpacked.
      headers: { ...what.headers, 'accept-encoding': 'identity' },
      // A connection of its own, so that none is taken over that was checked for something else.
      agent: false,
      lookup: checkedLookup(options.lookup ?? systemLookup, rules),
      signal,
    }
    return answerOf(
      url,
      { ...settings, ...(options.ca === undefined ? {} : { ca: options.ca }) },
      what,
    )
  }
  return Object.assign(fetchOne, { check })
}

function checkUrl(text: string, allowHttp: boolean, rules: AddressRules): URL {
  const url = URL.parse(text)
  if (url === null || text.length > 2_048) throw refusedUrl('is not a URL')
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:')) {
    throw refusedUrl('is not https')
  }
  if (url.username !== '' || url.password !== '') throw refusedUrl('holds credentials')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // For a literal address nothing is looked up.
  if (isIP(host) !== 0 && !rules.allows(host)) throw refusedUrl('is not on a public network')
  return url
}

function checkedLookup(lookup: LookupFunction, rules: AddressRules): LookupFunction {
  return (host, options, callback) =>
    lookup(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [])
      const addresses =
        typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found
      // One bad address among good ones is a sign of somebody who hopes that it is picked.
      if (addresses.length === 0 || !addresses.every(({ address }) => rules.allows(address))) {
        return callback(refusedUrl('is not on a public network'), [])
      }
      const [first] = addresses
      return options.all === true || first === undefined
        ? callback(null, addresses)
        : callback(null, first.address, first.family)
    })
}

function answerOf(url: URL, settings: RequestOptions, what: OutboundRequest): Promise<Response> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(failure(error, settings.signal))
    const request = send(url, settings, (answer) => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > ANSWER_BYTES_MAX) request.destroy(tooLarge())
        else chunks.push(chunk)
      })
      answer.on('error', fail)
      answer.on('end', () => {
        const headers = new Headers()
        const type = answer.headers['content-type']
        if (type !== undefined) headers.set('content-type', type)
        const challenge = answer.headers['www-authenticate']
        if (challenge !== undefined) headers.set('www-authenticate', challenge)
        const encoding = answer.headers['content-encoding'] ?? 'identity'
        if (encoding !== 'identity') return fail(new TypeError('the answer is compressed'))
        const status = answer.statusCode ?? 500
        const body = status === 204 || status === 304 ? null : Buffer.concat(chunks)
        if (status < 200 || status > 599) return fail(new TypeError(`status ${status}`))
        return resolve(new Response(body, { status, headers }))
      })
    })
    request.on('error', fail)
    request.end(what.body)
  })
}

function failure(error: unknown, signal: AbortSignal | undefined): RingfenceError {
  if (error instanceof RingfenceError) return error
  if (signal?.aborted === true) {
    return new RingfenceError('timed_out', 'the identity provider did not answer in time')
  }
  return new RingfenceError('upstream_failed', 'the identity provider could not be reached', {
    detail: messageOf(error),
    cause: error,
  })
}

function tooLarge(): RingfenceError {
  return new RingfenceError('too_large', 'the identity provider answered too much')
}

function refusedUrl(why: string): RingfenceError {
  return new RingfenceError('invalid_url', `an address of an identity provider ${why}`)
}
