import { type ClientMetadata, errors, type KoaContextWithOIDC } from 'oidc-provider'
import { publicJwkSchema } from '../../tokens/public-jwk.ts'
import type { RealmSettings } from './realm-settings.ts'

/** The name under which initial and registration access tokens are bound to the policy. */
export const REGISTRATION_POLICY = 'realm'

const KEYS_MAX = 5
const URIS_MAX = 20
/** What a client may say of itself. Nothing of it is fetched, and nothing makes two realms meet. */
const ALLOWED = new Set([
  'client_id',
  'client_id_issued_at',
  'client_secret',
  'client_secret_expires_at',
  'client_name',
  'redirect_uris',
  'post_logout_redirect_uris',
  'backchannel_logout_uri',
  'backchannel_logout_session_required',
  'grant_types',
  'response_types',
  'token_endpoint_auth_method',
  'jwks',
  'scope',
  'id_token_signed_response_alg',
  'dpop_bound_access_tokens',
  'application_type',
])
const URIS = ['redirect_uris', 'post_logout_redirect_uris', 'backchannel_logout_uri'] as const

/** What a realm lets clients register themselves as, and change themselves to. */
export function registrationPolicy({ registration }: RealmSettings) {
  return async (_ctx: KoaContextWithOIDC, properties: ClientMetadata): Promise<void> => {
    const unknown = Object.keys(properties).find(
      (name) => properties[name] !== undefined && !ALLOWED.has(name),
    )
    if (unknown !== undefined) throw refused(`${unknown} cannot be registered here`)
    properties.grant_types ??= ['authorization_code']
    properties.token_endpoint_auth_method ??= 'client_secret_basic'
    properties.application_type = 'web'
    const { grant_types: grants, token_endpoint_auth_method: method } = properties
    const among = (values: readonly string[], one: unknown) =>
      typeof one === 'string' && values.includes(one)
    if (!Array.isArray(grants) || !grants.every((one) => among(registration.grantTypes, one))) {
      throw refused('a grant type that is not allowed here')
    }
    if (!among(registration.authMethods, method)) {
      throw refused('a way to authenticate that is not allowed here')
    }
    properties.response_types = grants.includes('authorization_code') ? ['code'] : []
    for (const name of URIS) {
      const value = properties[name]
      const uris = value === undefined ? [] : [value].flat()
      const good = uris.every((uri) => isAt(uri, registration.redirectHosts))
      if (!good || uris.length > URIS_MAX) throw refused(`${name} are not of an allowed host`)
    }
    const keys = properties.jwks?.keys ?? []
    if (keys.length > KEYS_MAX || !keys.every((key) => publicJwkSchema.safeParse(key).success)) {
      throw refused('keys have a kid, and alg ES256 or EdDSA')
    }
  }
}

function isAt(uri: unknown, hosts: readonly string[]): boolean {
  if (typeof uri !== 'string' || uri.length > 2_000 || !URL.canParse(uri)) return false
  const url = new URL(uri)
  const plain = url.href === uri && url.hash === '' && !uri.includes('*')
  return plain && url.origin === `https://${url.hostname}` && hosts.includes(url.hostname)
}

function refused(description: string): errors.InvalidClientMetadata {
  return new errors.InvalidClientMetadata(description)
}
