import type { IncomingMessage, ServerResponse } from 'node:http'
import { cookieName, readCookie } from '../../pages/guard/cookies.ts'
import type { RealmContext } from '../../provider/realm-context.ts'
import { hashOf, isSecretValue } from './secret-value.ts'
import { REQUEST_SECONDS, type RequestKey } from './request-store.ts'

const NAME = 'rf_federation'
const TAG_CHARACTERS = 12

type Scope = Pick<RealmContext, 'cookies'>

/** Where a cookie is sent. */
export interface CookiePlace {
  readonly path: string
  /** Also with forms that another site posts. */
  readonly crossSite: boolean
}

/**
 * Binds a sign-in to the browser in which it began: a cookie of one sign-in, sent to one connection
 * of one realm. Without it, an answer that somebody else obtained could be given to a victim's browser.
 */
export function setBinding(
  response: ServerResponse,
  scope: Scope,
  place: CookiePlace,
  { state, binding }: RequestKey,
): void {
  write(response, scope, place, state, binding, REQUEST_SECONDS)
}

export function clearBinding(
  response: ServerResponse,
  scope: Scope,
  place: CookiePlace,
  state: string,
): void {
  write(response, scope, place, state, '', 0)
}

export function readBinding(
  request: IncomingMessage,
  scope: Scope,
  state: string,
): string | undefined {
  const value = readCookie(request, nameFor(state), scope)
  return isSecretValue(value) ? value : undefined
}

/** Several sign-ins at once in one browser do not disturb each other. */
function nameFor(state: string): string {
  return `${NAME}_${hashOf(state).toString('hex').slice(0, TAG_CHARACTERS)}`
}

function write(
  response: ServerResponse,
  scope: Scope,
  { path, crossSite }: CookiePlace,
  state: string,
  value: string,
  seconds: number,
): void {
  response.appendHeader(
    'set-cookie',
    [
      `${cookieName(nameFor(state), scope)}=${value}`,
      `Path=${path}`,
      'HttpOnly',
      `Max-Age=${seconds}`,
      ...sameSite(crossSite, scope.cookies.secure),
    ].join('; '),
  )
}

/**
 * With forms from another site browsers send only cookies with `SameSite=None`, which must be
 * `Secure`. Without https there is only loopback, where browsers take them all the same.
 */
function sameSite(crossSite: boolean, secure: boolean): readonly string[] {
  if (crossSite) return ['SameSite=None', 'Secure']
  return secure ? ['SameSite=Lax', 'Secure'] : ['SameSite=Lax']
}
