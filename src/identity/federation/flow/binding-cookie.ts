import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RealmContext } from '../../provider/realm-context.ts'
import type { Connection } from '../connection/connection.ts'
import { readCookie } from '../../pages/guard/cookies.ts'
import { cookieName } from '../../pages/guard/cookies.ts'
import { hashOf, isSecretValue } from './secret-value.ts'
import { REQUEST_SECONDS } from './request-store.ts'

const NAME = 'rf_federation'
const TAG_CHARACTERS = 12

type Scope = Pick<RealmContext, 'cookies'>
type Place = Pick<Connection, 'id' | 'kind'>

/**
 * Binds a sign-in to the browser in which it began: a cookie of one sign-in, sent to one connection
 * of one realm. Without it, an answer that somebody else obtained could be given to a victim's browser.
 */
export function setBinding(
  response: ServerResponse,
  scope: Scope,
  connection: Place,
  state: string,
  binding: string,
): void {
  write(response, scope, connection, state, binding, REQUEST_SECONDS)
}

export function clearBinding(
  response: ServerResponse,
  scope: Scope,
  connection: Place,
  state: string,
): void {
  write(response, scope, connection, state, '', 0)
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
  { id, kind }: Place,
  state: string,
  value: string,
  seconds: number,
): void {
  const { path, secure } = scope.cookies
  response.appendHeader(
    'set-cookie',
    [
      `${cookieName(nameFor(state), scope)}=${value}`,
      `Path=${path === '/' ? '' : path}/federation/${id}`,
      'HttpOnly',
      `Max-Age=${seconds}`,
      ...sameSite(kind, secure),
    ].join('; '),
  )
}

/**
 * A SAML provider answers by a form that is posted from its site, and browsers then send only
 * cookies with `SameSite=None`, which must be `Secure`. Without https there is only loopback, where
 * browsers take them all the same.
 */
function sameSite(kind: Connection['kind'], secure: boolean): readonly string[] {
  if (kind === 'saml') return ['SameSite=None', 'Secure']
  return secure ? ['SameSite=Lax', 'Secure'] : ['SameSite=Lax']
}
