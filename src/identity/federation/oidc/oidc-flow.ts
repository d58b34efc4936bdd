import * as client from 'openid-client'
import { messageOf, RingfenceError } from '../../../core/errors.ts'
import type { RealmContext } from '../../provider/realm-context.ts'
import type { Connection } from '../connection/connection.ts'
import { EXTERNAL_SUBJECT_CHARACTERS_MAX, type ExternalUser } from '../external-user.ts'
import type { SentRequest } from '../flow/request-store.ts'
import type { GuardedFetch } from '../outbound/guarded-fetch.ts'
import { demand, FederationRefusal, type RefusalReason } from '../refusal.ts'
import { OidcProviderSource, type UsableOidcConnection } from './oidc-provider-source.ts'

type Realm = Pick<RealmContext, 'issuer'>

/** ID tokens are handed in at once; an older one was kept by somebody. In seconds. */
const ID_TOKEN_AGE_MAX = 300

/** A connection's own: the provider's answer to another connection, or realm, does not come here. */
export function redirectUri({ issuer }: Realm, { id }: Pick<Connection, 'id'>): string {
  return `${issuer}/federation/${id}/callback`
}

/** Signing in by OpenID Connect: authorization code, PKCE, state and nonce. */
export class OidcFlow {
  readonly #providers: OidcProviderSource

  constructor(fetch: GuardedFetch) {
    this.#providers = new OidcProviderSource(fetch)
  }

  /** Where to send the browser, and what its answer is held to. @throws FederationRefusal */
  async begin(realm: Realm, connection: UsableOidcConnection, state: string) {
    const provider = await this.#providers.of(connection)
    const nonce = client.randomNonce()
    const codeVerifier = client.randomPKCECodeVerifier()
    const location = client.buildAuthorizationUrl(provider, {
      redirect_uri: redirectUri(realm, connection),
      scope: connection.config.scopes.join(' '),
      response_type: 'code',
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    })
    return { location: location.href, nonce, codeVerifier } as const
  }

  /**
   * Who the answer names.
   * @param answer parameters of the callback, as they came
   * @throws FederationRefusal
   */
  async complete(
    realm: Realm,
    connection: UsableOidcConnection,
    answer: URLSearchParams,
    state: string,
    { nonce, codeVerifier }: SentRequest,
  ): Promise<ExternalUser> {
    demand(
      nonce !== undefined && codeVerifier !== undefined,
      'request_unknown',
      'a request of another protocol',
    )
    const provider = await this.#providers.of(connection)
    const url = new URL(redirectUri(realm, connection))
    url.search = answer.toString()
    try {
      const tokens = await client.authorizationCodeGrant(provider, url, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: codeVerifier,
        idTokenExpected: true,
      })
      const claims = tokens.claims()
      demand(claims !== undefined, 'response_invalid', 'no ID token')
      checkClaims(claims, connection)
      const more = connection.config.userInfo
        ? await client.fetchUserInfo(provider, tokens.access_token, claims.sub)
        : {}
      return {
        source: connection.config.issuer,
        subject: claims.sub,
        // What was signed is never overwritten by what was not.
        claims: { ...more, ...claims },
        amr: amrOf(claims['amr']),
      }
    } catch (error) {
      throw refusalOf(error)
    }
  }
}

const AMR = /^[a-z]{2,10}$/
const AMR_MAX = 10

/** Methods of RFC 8176; other texts are nobody's. */
export function amrOf(claim: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(claim) ? claim.slice(0, AMR_MAX) : []
  return list.filter((method) => typeof method === 'string' && AMR.test(method)) as string[]
}

/** What the library leaves to its caller. */
function checkClaims(claims: client.IDToken, { config }: UsableOidcConnection): void {
  const audiences = [claims.aud].flat()
  demand(
    audiences.length === 1 && audiences[0] === config.clientId,
    'wrong_audience',
    'an ID token for others as well',
  )
  demand(
    claims.azp === undefined || claims.azp === config.clientId,
    'wrong_audience',
    'an ID token that another party asked for',
  )
  demand(
    claims.iat > Date.now() / 1000 - ID_TOKEN_AGE_MAX,
    'expired',
    'an ID token that was issued long ago',
  )
  demand(
    claims.sub !== '' && claims.sub.length <= EXTERNAL_SUBJECT_CHARACTERS_MAX,
    'subject_missing',
    'a subject that is empty or too long',
  )
}

/** The library's errors by their codes, for the log; the browser is told nothing of them. */
function refusalOf(error: unknown): FederationRefusal {
  if (error instanceof FederationRefusal) return error
  if (error instanceof client.AuthorizationResponseError) {
    return new FederationRefusal('provider_refused', `the provider answered ${error.error}`, error)
  }
  if (error instanceof client.ResponseBodyError) {
    return new FederationRefusal('provider_refused', `the token endpoint: ${error.error}`, error)
  }
  const cause = error instanceof Error ? error.cause : undefined
  const inner = [error, cause].find((one) => one instanceof RingfenceError)
  if (inner !== undefined) {
    return new FederationRefusal('provider_unreachable', messageOf(inner), error)
  }
  const detail = cause instanceof Error ? messageOf(cause) : messageOf(error)
  return new FederationRefusal(reasonOf(detail), detail, error)
}

function reasonOf(detail: string): RefusalReason {
  if (/"alg"/.test(detail)) return 'algorithm_refused'
  if (/"iss"/.test(detail)) return 'wrong_issuer'
  if (/"aud"|"azp"/.test(detail)) return 'wrong_audience'
  if (/"nonce"|"state"/.test(detail)) return 'wrong_request'
  if (/signature|JWK|key/i.test(detail)) return 'signature_invalid'
  return /timestamp|"exp"|"iat"|"nbf"/.test(detail) ? 'expired' : 'response_invalid'
}
