import type { ClientMetadata } from 'oidc-provider'

/**
 * The client that a realm's account pages sign in as: like any other, at the authorization endpoint,
 * so that sessions are made and renewed in one way only. No tenant can register a client by this
 * name: a colon is in none of theirs.
 */
export const ACCOUNT_CLIENT = 'ringfence:account'
export const ACCOUNT_PATH = '/account'
export const ACCOUNT_RETURN_PATH = `${ACCOUNT_PATH}/signed-in`

/**
 * For the provider's own configuration. It gets no code and no token (`response_type=none`, OAuth 2.0
 * Multiple Response Types, section 4): what it needs is the session's cookie, and the pages are served
 * from the same origin.
 */
export function accountClient(issuer: string): ClientMetadata {
  return {
    client_id: ACCOUNT_CLIENT,
    client_name: 'Your account',
    redirect_uris: [`${issuer}${ACCOUNT_RETURN_PATH}`],
    response_types: ['none'],
    grant_types: [],
    token_endpoint_auth_method: 'none',
  }
}
