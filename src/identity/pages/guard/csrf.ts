import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { RingfenceError } from '../../../core/errors.ts'
import type { RealmContext } from '../../provider/realm-context.ts'
import { type CookieScope, readCookie, setCookie } from './cookies.ts'

const COOKIE = 'rf_form'
const COOKIE_BYTES = 32
const COOKIE_VALUE = /^[\w-]{43}$/

/** What a form's proof is made from: two realms have other keys, and nobody's proof is another's. */
export type CsrfScope = Pick<RealmContext, 'issuer' | 'cookies' | 'deriveKey'>

/**
 * The proof that a form of ours carries: bound to this browser by a cookie, and to one thing (an
 * interaction, a session), so that a proof from elsewhere is worth nothing here. Sets the cookie when
 * the browser has none.
 */
export function csrfToken(
  request: IncomingMessage,
  response: ServerResponse,
  scope: CsrfScope,
  boundTo: string,
): string {
  let secret = secretOf(request, scope)
  if (secret === undefined) {
    secret = randomBytes(COOKIE_BYTES).toString('base64url')
    setCookie(response, COOKIE, secret, scope)
  }
  return proof(scope, secret, boundTo).toString('base64url')
}

/**
 * Lets only forms in that our own pages sent, from the browser that they were made for.
 * @throws RingfenceError `forbidden`
 */
export function checkCsrf(
  request: IncomingMessage,
  token: string | undefined,
  scope: CsrfScope,
  boundTo: string,
): void {
  const secret = secretOf(request, scope)
  const given = Buffer.from(token ?? '', 'base64url')
  const wanted = proof(scope, secret ?? '', boundTo)
  const genuine =
    secret !== undefined && given.length === wanted.length && timingSafeEqual(given, wanted)
  if (!genuine || !sentByOurselves(request, scope.issuer)) {
    throw new RingfenceError('forbidden', 'this form was not sent from a page of ours')
  }
}

/**
 * What the browser itself says of where the form was. Our pages send no referrer, so that browsers
 * may call their origin `null`: then, and when there is none, only Sec-Fetch-Site counts. All
 * browsers send it since 2023, to https and to loopback.
 */
function sentByOurselves(request: IncomingMessage, issuer: string): boolean {
  const site = request.headers['sec-fetch-site']
  const { origin } = request.headers
  if (site !== undefined && site !== 'same-origin') return false
  if (origin !== undefined && origin !== 'null') return origin === new URL(issuer).origin
  return site === 'same-origin'
}

function secretOf(request: IncomingMessage, scope: CookieScope): string | undefined {
  const value = readCookie(request, COOKIE, scope)
  return value !== undefined && COOKIE_VALUE.test(value) ? value : undefined
}

function proof(scope: CsrfScope, secret: string, boundTo: string): Buffer {
  return createHmac('sha256', scope.deriveKey('page forms'))
    .update(`${secret}\n${boundTo}`)
    .digest()
}
