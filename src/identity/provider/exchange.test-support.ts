import * as client from 'openid-client'
import { parseClientId } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { ProviderSite } from './provider-site.test-support.ts'
import { TOKEN_EXCHANGE } from './realm-settings.ts'
import { ACCESS_TOKEN_TYPE } from './token-exchange.ts'

/** A client of a realm that may exchange tokens. */
export async function service(
  site: ProviderSite,
  tenant: TenantId,
  name: string,
): Promise<client.Configuration> {
  const id = parseClientId(name)
  const secret = await site.identity.realms.putClient(tenant, id, {
    roles: [],
    scopes: ['read', 'write'],
    grantTypes: [TOKEN_EXCHANGE, 'client_credentials'],
  })
  return site.app(tenant, String(secret), { client_id: id })
}

/** Asks for an exchange of an access token, or of what `fields` say that it is. */
export function exchange(
  config: client.Configuration,
  token: string,
  fields: Readonly<Record<string, string>> = {},
  options?: client.DPoPOptions,
): ReturnType<typeof client.genericGrantRequest> {
  return client.genericGrantRequest(
    config,
    TOKEN_EXCHANGE,
    { subject_token: token, subject_token_type: ACCESS_TOKEN_TYPE, ...fields },
    options,
  )
}
