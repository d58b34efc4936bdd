import { createHash } from 'node:crypto'
import { Provider, type Adapter, type AdapterPayload, type KoaContextWithOIDC } from 'oidc-provider'
import { standingGrant } from '../../contracts/standing-grant.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import {
  type Access,
  ACCESS_TOKEN_SECONDS_MAX,
  accessClaims,
  type TokenFacts,
  verifyAccessToken,
} from '../../tokens/access-token.ts'
import { sourceOf } from '../../tokens/delegation.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import type { ProviderTools } from './provider-tools.ts'
import { requestFacts } from './request-facts.ts'
import { userinfoScope } from './userinfo.ts'
import { apiKeyOfSession } from './session-of-grant.ts'

/** A compact JWS. The provider refuses one at these endpoints, because it does not store them. */
const STRUCTURED = /^[\w-]+\.[\w-]+\.[\w-]+$/
const ROUTES = new Set(['introspection', 'revocation'])

/** An access token of the realm: verified, and not revoked as far as is known here. */
export type GoodToken = Access & TokenFacts

/**
 * Puts a handle in the place of a JWT that a client asks about or wants revoked, before the provider
 * looks at it. Called while the client is looked up, when parameters have been read and nothing else
 * has been done with them.
 */
export function takeStructuredToken(ctx: KoaContextWithOIDC): void {
  const { route, params } = ctx.oidc
  const token = params?.['token']
  if (!ROUTES.has(route) || params === undefined || typeof token !== 'string') return
  if (!STRUCTURED.test(token)) return
  requestFacts(ctx).structured = token
  params['token'] = handleOf(token)
}

/**
 * The provider's storage of access tokens. There is none: they are JWTs. It finds the one that the
 * request under way is about, and revokes by publishing.
 */
export function accessTokenAdapter(
  tenant: TenantId,
  issuer: string,
  plain: Adapter,
  tools: ProviderTools,
): Adapter {
  return {
    ...plain,
    async find(id) {
      const ctx = Provider.ctx
      if (ctx?.oidc?.route === 'userinfo') return forUserinfo(id, tenant, issuer, tools)
      const text = ctx === undefined ? undefined : requestFacts(ctx).structured
      if (text === undefined || handleOf(text) !== id) return undefined
      const token = await goodToken(text, tenant, issuer, tools)
      return token === undefined ? undefined : storedForm(token, tools.audience)
    },
    async destroy(id) {
      await tools.artifacts.put(
        { tenant, model: 'RevokedToken', id },
        { payload: {}, seconds: ACCESS_TOKEN_SECONDS_MAX },
      )
      await tools.endAccess.ofToken(tenant, id)
    },
  }
}

/**
 * The access token if it is one of this realm's, in its time, and nothing that it rests on has ended:
 * undefined otherwise, for whatever reason.
 * @throws RingfenceError `engine_unavailable`, `revocations_unknown`
 */
export async function goodToken(
  text: string,
  tenant: TenantId,
  issuer: string,
  tools: ProviderTools,
): Promise<GoodToken | undefined> {
  const keys = new KeySet(await tools.keys.verifying(tenant))
  const realm = { issuer, audience: tools.audience }
  const token = await verifyAccessToken(text, keys, realm).catch((error: unknown) => {
    if (error instanceof RingfenceError && error.code === 'invalid_token') return undefined
    throw error
  })
  if (token?.tenant !== tenant) return undefined
  const { id, session, subject, client, issuedAt } = token
  const source = sourceOf(token)
  const own = { tenant, id, session, subject, client, issuedAt }
  if (tools.revoked?.revokes(source === undefined ? own : { ...own, source }) === true) {
    return undefined
  }
  if ((await tools.artifacts.find({ tenant, model: 'RevokedToken', id })) !== undefined) {
    return undefined
  }
  return (await standsOn(token, tools)) ? token : undefined
}

/** True while the user or client, and the grant or key that it came of, are still there. */
async function standsOn(token: GoodToken, tools: ProviderTools): Promise<boolean> {
  const { tenant, subject, session, delegation, actor } = token
  const { authorities } = tools
  if (delegation !== undefined) {
    const { grant: id, grantee } = delegation
    const grant = await tools.grants.find(tenant, id)
    const asked = { grant: id, grantee, subject: actor?.subject }
    return standingGrant(grant && [grant], asked, Date.now()) !== undefined
  }
  const somebody =
    (await authorities.user(tenant, subject)) ?? (await authorities.client(tenant, subject))
  if (somebody === undefined) return false
  if (session === undefined) return true
  const keyId = apiKeyOfSession(session)
  if (keyId !== undefined) return tools.apiKeys.isGood(tenant, keyId)
  return (await tools.artifacts.findByUid(tenant, 'Grant', session)) !== undefined
}

/** A token as the provider would have stored it. */
function storedForm(token: GoodToken, audience: string) {
  return {
    kind: 'AccessToken',
    jti: token.id,
    iat: seconds(token.issuedAt),
    exp: seconds(token.expiresAt),
    clientId: token.client,
    accountId: token.subject,
    aud: audience,
    scope: token.scopes.join(' '),
    format: 'opaque',
    ...(token.session === undefined ? {} : { sid: token.session }),
    ...(token.boundTo === undefined ? {} : { jkt: token.boundTo }),
    extra: extraOf(token),
  }
}

/** The same for the userinfo endpoint: with what may be read there, and as a token for nobody else. */
async function forUserinfo(
  text: string,
  tenant: TenantId,
  issuer: string,
  tools: ProviderTools,
): Promise<AdapterPayload | undefined> {
  const token = STRUCTURED.test(text) ? await goodToken(text, tenant, issuer, tools) : undefined
  if (token?.session === undefined) return undefined
  const grant = await tools.artifacts.findByUid(tenant, 'Grant', token.session)
  if (grant?.jti === undefined) return undefined
  const { aud: _, extra: __, ...form } = storedForm(token, tools.audience)
  return { ...form, scope: userinfoScope(text), grantId: grant.jti }
}

/** The claims that the provider does not say by itself. */
function extraOf(token: GoodToken): Record<string, unknown> {
  const { client_id: _client, sub: _sub, scope: _scope, cnf: _cnf, ...extra } = accessClaims(token)
  return extra
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}

function handleOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
