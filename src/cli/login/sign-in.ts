import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as oidc from 'openid-client'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { Login } from './logins-file.ts'

const TWO_FACTORS = 'urn:ringfence:acr:2'
const SCOPE = 'openid'
/** A person has as long to sign in, in milliseconds. */
const SIGN_IN_MS_MAX = 10 * 60_000
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)$/

/** Where operators sign in, as the control plane says. */
export interface Place {
  readonly issuer: string
  readonly client: string
  readonly audience: string
}

/** Tells the person at the terminal where to go. */
export interface Shows {
  /** Opens, or asks to open, an address in a browser. */
  open(url: string): void
  /** Asks to open an address anywhere and to compare or type in a code. */
  code(url: string, code: string): void
}

/**
 * Signs in with a browser on this machine: authorization code with PKCE, back to a port of loopback
 * (RFC 8252).
 * @throws RingfenceError `not_authenticated`, `timed_out`, `engine_unavailable`
 */
export async function signInByBrowser(place: Place, shows: Shows): Promise<Login> {
  const config = await discovered(place)
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const door = await openDoor()
  try {
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: door.address,
      scope: SCOPE,
      resource: place.audience,
      acr_values: TWO_FACTORS,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
    })
    shows.open(url.href)
    const back = await door.returned
    const tokens = await told(
      oidc.authorizationCodeGrant(config, back, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        idTokenExpected: true,
      }),
    )
    return loginOf(place, tokens)
  } finally {
    door.close()
  }
}

/**
 * Signs in with a browser anywhere: a code of this device (RFC 8628).
 * @throws RingfenceError `not_authenticated`, `timed_out`, `engine_unavailable`
 */
export async function signInByCode(place: Place, shows: Shows): Promise<Login> {
  const config = await discovered(place)
  const device = await told(
    oidc.initiateDeviceAuthorization(config, {
      scope: SCOPE,
      resource: place.audience,
      acr_values: TWO_FACTORS,
    }),
  )
  shows.code(device.verification_uri_complete ?? device.verification_uri, device.user_code)
  const tokens = await told(
    oidc.pollDeviceAuthorizationGrant(config, device, undefined, {
      signal: AbortSignal.timeout(SIGN_IN_MS_MAX),
    }),
  )
  return loginOf(place, tokens)
}

/**
 * The next access token; undefined when the sign-in is over.
 * @throws RingfenceError `engine_unavailable` when that cannot be known now
 */
export async function refreshed(
  login: Login & { readonly refreshToken: string },
): Promise<Login | undefined> {
  const config = await discovered(login)
  try {
    const tokens = await oidc.refreshTokenGrant(config, login.refreshToken, {
      resource: login.audience,
    })
    return loginOf(login, tokens, login.refreshToken)
  } catch (error) {
    if (error instanceof oidc.ResponseBodyError && error.status < 500) return undefined
    throw away(error)
  }
}

/** Has the realm forget the sign-in. Not an error when it was over before. */
export async function signOut(login: Login): Promise<void> {
  const config = await discovered(login)
  const token = login.refreshToken ?? login.accessToken
  await oidc.tokenRevocation(config, token).catch((error: unknown) => {
    if (!(error instanceof oidc.ResponseBodyError)) throw away(error)
  })
}

async function discovered({ issuer, client }: Place): Promise<oidc.Configuration> {
  const url = new URL(issuer)
  const plain = url.protocol === 'http:'
  if (plain && !LOOPBACK.test(url.hostname)) {
    throw new RingfenceError('invalid_url', 'nobody signs in over http:// at another machine')
  }
  try {
    return await oidc.discovery(url, client, undefined, oidc.None(), {
      ...(plain ? { execute: [oidc.allowInsecureRequests] } : {}),
    })
  } catch (error) {
    throw away(error)
  }
}

function loginOf(
  { issuer, client, audience }: Place,
  tokens: oidc.TokenEndpointResponse,
  before?: string,
): Login {
  const refreshToken = tokens.refresh_token ?? before
  return {
    ...{ issuer, client, audience },
    accessToken: tokens.access_token,
    expiresAt: Date.now() + (tokens.expires_in ?? 0) * 1000,
    ...(refreshToken === undefined ? {} : { refreshToken }),
  }
}

/** What the realm refused, in one line without anything of a token. */
async function told<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (
      error instanceof oidc.AuthorizationResponseError ||
      error instanceof oidc.ResponseBodyError
    ) {
      throw new RingfenceError('not_authenticated', `the sign-in was refused: ${error.error}`, {
        cause: error,
      })
    }
    if (error instanceof Error && error.name === 'TimeoutError') throw tooLate()
    throw away(error)
  }
}

function away(error: unknown): RingfenceError {
  return new RingfenceError('engine_unavailable', 'the identity plane does not answer', {
    detail: messageOf(error),
    cause: error,
  })
}

function tooLate(): RingfenceError {
  return new RingfenceError('timed_out', 'nobody signed in within ten minutes')
}

interface Door {
  readonly address: string
  /** The address at which the browser came back. */
  readonly returned: Promise<URL>
  close(): void
}

/** A port of this machine alone, for one answer. */
async function openDoor(): Promise<Door> {
  const { promise: returned, resolve, reject } = Promise.withResolvers<URL>()
  // Nobody may be waiting any more when the time is over.
  returned.catch(() => undefined)
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', address)
    const ours = request.method === 'GET' && url.pathname === '/signed-in'
    response.writeHead(ours ? 200 : 404, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'",
      'referrer-policy': 'no-referrer',
      connection: 'close',
    })
    response.end(
      ours ? 'You can close this window and go back to the terminal.\n' : 'no such page\n',
    )
    if (ours) resolve(url)
  })
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen(0, '127.0.0.1', listening)
  })
  const { port } = server.address() as AddressInfo
  const address = `http://127.0.0.1:${port}/signed-in`
  const timer = setTimeout(() => reject(tooLate()), SIGN_IN_MS_MAX)
  return {
    address,
    returned,
    close() {
      clearTimeout(timer)
      server.close()
      server.closeAllConnections()
    },
  }
}
