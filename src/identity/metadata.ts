import { SIGNING_ALGORITHMS } from '../tokens/signing-key.ts'

/** Where a realm is, from its issuer. */
export function endpointsOf(issuer: string) {
  return { token: `${issuer}/token`, jwks: `${issuer}/jwks` }
}

/**
 * A realm's metadata (RFC 8414), and what OpenID Connect Discovery can say of it. It names what there
 * is and no more: users do not log in here yet, so that there is no authorization endpoint, no
 * response type, and no ID token. Every value comes from the configured issuer.
 */
export function realmMetadata(issuer: string): object {
  const { token, jwks } = endpointsOf(issuer)
  return {
    issuer,
    token_endpoint: token,
    jwks_uri: jwks,
    grant_types_supported: ['client_credentials'],
    // Required by both specifications; there is none.
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic'],
    token_endpoint_auth_signing_alg_values_supported: SIGNING_ALGORITHMS,
    subject_types_supported: ['public'],
  }
}
