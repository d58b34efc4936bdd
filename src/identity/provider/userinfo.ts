import { decodeJwt } from 'jose'
import type { KoaContextWithOIDC } from 'oidc-provider'

/** Below an issuer (OpenID Connect Core, section 5.3). */
export const USERINFO_PATH = '/userinfo'

/**
 * In an access token: what of its user the client may read with it, as scopes of OpenID Connect. Apart
 * from `scope`, which says what it may do at the platform.
 */
const CLAIM = 'userinfo'

/** Of the token that is being made: what the user has granted of what was asked for. */
export function userinfoClaim({ oidc }: KoaContextWithOIDC): Readonly<Record<string, string>> {
  const { AuthorizationCode, DeviceCode, RefreshToken, Grant } = oidc.entities
  const asked = RefreshToken === undefined ? undefined : oidc.params?.['scope']
  const scope = asked ?? (AuthorizationCode ?? DeviceCode ?? RefreshToken)?.scope
  if (Grant === undefined || typeof scope !== 'string') return {}
  const granted = Grant.getOIDCScopeFiltered(new Set(scope.split(' ')))
  return granted.split(' ').includes('openid') ? { [CLAIM]: granted } : {}
}

/** Of a token that has been verified. */
export function userinfoScope(token: string): string {
  const scope = decodeJwt(token)[CLAIM]
  return typeof scope === 'string' ? scope : ''
}
