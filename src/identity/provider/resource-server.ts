import { type Client, errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider'
import { hostOfTools } from '../../contracts/tools-url.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Authorities } from './authorities.ts'
import { requestFacts } from './request-facts.ts'
import type { TenantHosts } from './tenant-hosts.ts'

const CLIENT_CREDENTIALS = 'client_credentials'

export interface ResourceServerOptions {
  readonly tenant: TenantId
  readonly authorities: Authorities
  /** The platform's API: the only resource there is, besides the tools at the tenant's own hosts. */
  readonly audience: string
  readonly hosts: TenantHosts
  readonly seconds: number
  /** With which key access tokens are signed. */
  readonly signer: { readonly alg: 'ES256' | 'EdDSA'; readonly kid: string }
}

/**
 * What a token for the platform's API, or for tools at the tenant's own host, may be given: what the client may have, and as soon as the user
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
  if (resource !== audience && !(await isOwnTools(resource, options))) {
    throw new errors.InvalidTarget()
  }
  const own = ctx.oidc.params?.['grant_type'] === CLIENT_CREDENTIALS
  const scopes = own ? await ownScopes(ctx, client, options) : usersScopes(ctx, client)
  return {
    scope: scopes.join(' '),
    audience: resource,
    accessTokenFormat: 'jwt',
    accessTokenTTL: seconds,
    jwt: { sign: signer },
  }
}

/** A token for them is good for them alone: nobody else takes it, not even this realm. */
async function isOwnTools(
  resource: string,
  { tenant, hosts }: ResourceServerOptions,
): Promise<boolean> {
  const host = hostOfTools(resource)
  return host !== undefined && (await hosts(tenant)).includes(host)
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
