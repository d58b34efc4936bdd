import type { ClientMetadata } from 'oidc-provider'

/** Names that no tenant's client can have. */
const RESERVED = /^ringfence-/

/** Through it the realm's own account pages have their user sign in. */
export const ACCOUNT_CLIENT = 'ringfence-account'
/** Through it programs of users exchange API keys for access tokens. */
export const API_KEY_CLIENT = 'ringfence-api-keys'
/** Path below an issuer to which a sign-in for the account pages comes back. */
export const ACCOUNT_SIGNED_IN_PATH = '/account/signed-in'

export function isReserved(client: string): boolean {
  return RESERVED.test(client)
}

/** Clients that every realm has. They have no rights of their own and no secret. */
export function builtInClient(client: string, issuer: string): ClientMetadata | undefined {
  const plain = { client_id: client, token_endpoint_auth_method: 'none' } as const
  if (client === ACCOUNT_CLIENT) {
    return {
      ...plain,
      client_name: 'Account',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      redirect_uris: [`${issuer}${ACCOUNT_SIGNED_IN_PATH}`],
    }
  }
  if (client === API_KEY_CLIENT) {
    return {
      ...plain,
      client_name: 'API keys',
      grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'],
      response_types: [],
      redirect_uris: [],
    }
  }
  return undefined
}
