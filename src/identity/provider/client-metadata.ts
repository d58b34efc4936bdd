import type { ClientMetadata, JWK } from 'oidc-provider'
import type { PublicJwk } from '../../tokens/signing-key.ts'
import { isNative } from './client-spec.ts'
import type { RealmClient } from './realm-clients.ts'
import type { RealmSettings } from './realm-settings.ts'

const HASH = 'sha256:'

/** A client as the provider wants it. In place of a secret stands its hash. */
export function clientMetadata(client: RealmClient, settings: RealmSettings): ClientMetadata {
  const secret =
    client.secretSha256 === undefined
      ? {}
      : { client_secret: `${HASH}${client.secretSha256.toString('base64url')}` }
  const keys = client.keys === undefined ? {} : { jwks: { keys: client.keys.map(anySpelling) } }
  if (client.registered !== undefined) return { ...client.registered, ...secret, ...keys }
  const [first = 'ES256'] = settings.algorithms
  return {
    client_id: client.client,
    client_name: client.name ?? client.client,
    ...secret,
    ...keys,
    token_endpoint_auth_method: client.authMethod,
    application_type: client.authMethod === 'none' && isNative(client) ? 'native' : 'web',
    grant_types: client.grantTypes,
    response_types: client.grantTypes.includes('authorization_code') ? ['code'] : [],
    redirect_uris: client.redirectUris,
    post_logout_redirect_uris: client.postLogoutRedirectUris,
    ...(client.backchannelLogoutUri === undefined
      ? {}
      : {
          backchannel_logout_uri: client.backchannelLogoutUri,
          backchannel_logout_session_required: true,
        }),
    dpop_bound_access_tokens: client.dpopBound,
    id_token_signed_response_alg: settings.algorithms.includes(client.idTokenAlg)
      ? client.idTokenAlg
      : first,
  }
}

/** What signs with Ed25519 calls it EdDSA or, since RFC 9864, Ed25519. The curve says that it is that. */
function anySpelling(key: PublicJwk): JWK {
  const { alg, ...rest } = key
  return alg === 'EdDSA' ? rest : key
}

/** The hash that stands in the place of a secret; undefined for anything else. */
export function hashIn(secret: string | undefined): Buffer | undefined {
  if (secret?.startsWith(HASH) !== true) return undefined
  const hash = Buffer.from(secret.slice(HASH.length), 'base64url')
  return hash.length === 32 ? hash : undefined
}
