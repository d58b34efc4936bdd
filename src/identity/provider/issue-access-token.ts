import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { messageOf } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { type Access, accessClaims } from '../../tokens/access-token.ts'
import type { Authority } from '../directory/directory.ts'
import type { ProviderTools } from './provider-tools.ts'
import { sessionOfGrant } from './session-of-grant.ts'

/** What the provider is about to sign, whatever it was granted for. */
export interface TokenToBe {
  readonly accountId?: string
  readonly clientId?: string | undefined
  readonly grantId?: string
  readonly scope?: string | undefined
  readonly aud?: string | string[] | undefined
  readonly jkt?: string | undefined
}

/** How the user signed in, as the code, device code or refresh token at hand remembers. */
interface SignInFacts {
  readonly acr?: string | undefined
  readonly amr?: readonly string[] | undefined
  readonly authTime?: number | undefined
}

/**
 * The pre-token step: who somebody is and may at this moment, asked of the realm's own records at the
 * last moment before a signature. What the provider has prepared is narrowed by it or refused, and
 * never widened.
 * @throws errors.InvalidGrant when the user or client is not there or not active, or may less than it
 *   was about to be given; whatever the records throw
 */
export async function accessToIssue(
  tenant: TenantId,
  token: TokenToBe,
  ctx: KoaContextWithOIDC,
  { authorities, artifacts }: Pick<ProviderTools, 'authorities' | 'artifacts'>,
): Promise<Access> {
  const { accountId, clientId = '', grantId } = token
  const subject = parsedSubject(accountId ?? clientId)
  const authority =
    accountId === undefined
      ? await authorities.client(tenant, clientId)
      : await authorities.user(tenant, subject)
  const scopes = token.scope?.split(' ').filter((scope) => scope !== '') ?? []
  if (authority === undefined) throw new errors.InvalidGrant('nobody who may')
  refuseMore(scopes, authority)
  // After the time of issue was taken: what ends the grant from now on voids the token, too.
  const stands =
    grantId === undefined || (await artifacts.find({ tenant, model: 'Grant', id: grantId }))
  if (!stands) throw new errors.InvalidGrant('its grant has ended meanwhile')
  const facts = accountId === undefined ? {} : factsOf(ctx)
  return {
    tenant,
    subject,
    client: clientId,
    scopes,
    roles: authority.roles,
    placedRoles: authority.placedRoles,
    ...(grantId === undefined ? {} : { session: sessionOfGrant(grantId) }),
    ...(facts.acr === undefined ? {} : { acr: facts.acr }),
    ...(facts.amr === undefined ? {} : { amr: facts.amr }),
    ...(facts.authTime === undefined ? {} : { authenticatedAt: new Date(facts.authTime * 1000) }),
    ...(token.jkt === undefined ? {} : { boundTo: token.jkt }),
  }
}

/** The claims of an access token, in the shape of `signAccessToken`: nothing that was there is left. */
export function accessPayload(
  access: Access,
  token: TokenToBe,
  issuer: string,
  made: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { iat, exp, jti } = made
  return { iss: issuer, aud: token.aud, ...accessClaims(access), iat, exp, jti }
}

function refuseMore(scopes: readonly string[], authority: Authority): void {
  if (scopes.some((scope) => !authority.scopes.includes(scope))) {
    throw new errors.InvalidGrant('more than is allowed by now')
  }
}

function factsOf({ oidc }: KoaContextWithOIDC): SignInFacts {
  const { AuthorizationCode, DeviceCode, RefreshToken } = oidc.entities
  return AuthorizationCode ?? DeviceCode ?? RefreshToken ?? {}
}

function parsedSubject(value: string) {
  try {
    return parseSubject(value)
  } catch (error) {
    throw new errors.InvalidGrant(messageOf(error))
  }
}
