import { type Client, errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider'
import type { TenantId } from '../../core/tenant.ts'
import type { Authorities } from './authorities.ts'
import { requestFacts } from './request-facts.ts'

const CLIENT_CREDENTIALS = 'client_credentials'

export interface ResourceServerOptions {
  readonly tenant: TenantId
  readonly authorities: Authorities
  /** The platform's API, the only resource there is. */
  readonly audience: string
  readonly seconds: number
  /** With which key access tokens are signed. */
  readonly signer: { readonly alg: 'ES256' | 'EdDSA'; readonly kid: string }
}

/**
 * What a token for the platform's API may be given: what the client may have, and as soon as the user
 * is known, no more than the user has at this moment.
 * @throws errors.InvalidTarget for another resource, errors.InvalidScope when a client asks for more
 *   for itself than it may
 */
export async function resourceServer(
  ctx: KoaContextWithOIDC,
  resource: string,
  client: Client,
  options: ResourceServerOptions,
): Promise<ResourceServer> {
  const { audience, seconds, signer } = options
  if (resource !== audience) throw new errors.InvalidTarget()
  const own = ctx.oidc.params?.['grant_type'] === CLIENT_CREDENTIALS
  const scopes = own ? await ownScopes(ctx, client, options) : usersScopes(ctx, client)
  return {
    scope: scopes.join(' '),
    audience,
    accessTokenFormat: 'jwt',
    accessTokenTTL: seconds,
    jwt: { sign: signer },
  }
}

/** All that the client may, unless it asks for less. */
async function ownScopes(
  ctx: KoaContextWithOIDC,
  client: Client,
  { tenant, authorities }: ResourceServerOptions,
): Promise<readonly string[]> {
  const authority = await authorities.client(tenant, client.clientId)
  if (authority === undefined) throw new errors.InvalidClientAuth('the client is gone')
  const { params } = ctx.oidc
  const asked = typeof params?.['scope'] === 'string' ? params['scope'] : undefined
  const excess = asked?.split(' ').filter((scope) => !authority.scopes.includes(scope)) ?? []
  if (excess.length > 0) {
    throw new errors.InvalidScope('requested scope is not allowed', excess.join(' '))
  }
  if (asked === undefined && params !== undefined) params['scope'] = authority.scopes.join(' ')
  return authority.scopes
}

function usersScopes(ctx: KoaContextWithOIDC, client: Client): readonly string[] {
  const { clients, authority } = requestFacts(ctx)
  const allowed = clients.get(client.clientId)?.scopes ?? []
  return ctx.oidc.account === undefined
    ? allowed
    : allowed.filter((scope) => authority?.scopes.includes(scope) === true)
}
