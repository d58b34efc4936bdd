import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RealmContext } from '../../provider/realm-context.ts'

/** RFC 6265, section 4.1.1; quotes are not ours. */
const VALUE = /^[\w.~-]{1,400}$/

/** Of which realm cookies are. */
export type CookieScope = Pick<RealmContext, 'cookies'>

/**
 * The cookie's name as the browser has it. With https it begins so that no page without TLS can
 * have set it (RFC 6265bis, section 4.1.3).
 */
export function cookieName(name: string, { cookies }: CookieScope): string {
  return cookies.secure ? `__Secure-${name}` : name
}

/** The value that the browser sent. Sent twice it counts as not sent: one of them is not ours. */
export function readCookie(
  request: IncomingMessage,
  name: string,
  scope: CookieScope,
): string | undefined {
  const wanted = `${cookieName(name, scope)}=`
  const found = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(wanted))
    .map((pair) => pair.slice(wanted.length))
  const [value] = found
  return found.length === 1 && value !== undefined && VALUE.test(value) ? value : undefined
}

/**
 * Sets a cookie for the pages of one realm: below its path, never for scripts, and sent along when
 * somebody comes from another site by a link but not when that site posts.
 * @param seconds how long it is kept; 0 takes it away; undefined: until the browser ends.
 */
export function setCookie(
  response: ServerResponse,
  name: string,
  value: string,
  scope: CookieScope,
  seconds?: number,
): void {
  const { path, secure } = scope.cookies
  response.appendHeader(
    'set-cookie',
    [
      `${cookieName(name, scope)}=${value}`,
      `Path=${path}`,
      'HttpOnly',
      'SameSite=Lax',
      ...(secure ? ['Secure'] : []),
      ...(seconds === undefined ? [] : [`Max-Age=${seconds}`]),
    ].join('; '),
  )
}
