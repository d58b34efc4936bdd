import type { ClientMetadata } from 'oidc-provider'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import type { TenantId } from '../../core/tenant.ts'
import { TOKEN_EXCHANGE } from './realm-settings.ts'

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

/** Names that no tenant's client can have. */
const RESERVED = /^ringfence-/

/** Through it the realm's own account pages have their user sign in. */
export const ACCOUNT_CLIENT = 'ringfence-account'
/** Through it programs of users exchange API keys for access tokens. */
export const API_KEY_CLIENT = 'ringfence-api-keys'
/** Through it principals of other tenants exchange their tokens for one under a grant. */
export const DELEGATION_CLIENT = 'ringfence-delegation'
/** With it the command line signs operators in, in their realm and in no other. */
export const OPERATOR_CLIENT = 'ringfence-operator-cli'
/** Path below an issuer to which a sign-in for the account pages comes back. */
export const ACCOUNT_SIGNED_IN_PATH = '/account/signed-in'

export function isReserved(client: string): boolean {
  return RESERVED.test(client)
}

/** Clients that every realm has. They have no rights of their own and no secret. */
export function builtInClient(
  client: string,
  issuer: string,
  tenant: TenantId,
): ClientMetadata | undefined {
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
  if (client === API_KEY_CLIENT || client === DELEGATION_CLIENT) {
    return {
      ...plain,
      client_name: client === API_KEY_CLIENT ? 'API keys' : 'Grants',
      grant_types: [TOKEN_EXCHANGE],
      response_types: [],
      redirect_uris: [],
    }
  }
  if (client === OPERATOR_CLIENT && tenant === OPERATORS_REALM) {
    return {
      ...plain,
      client_name: 'Ringfence command line',
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE],
      response_types: ['code'],
      // RFC 8252, section 7.3: of a loopback address any port is good.
      redirect_uris: ['http://127.0.0.1/signed-in'],
    }
  }
  return undefined
}
