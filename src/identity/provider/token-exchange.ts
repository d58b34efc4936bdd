import { errors, type KoaContextWithOIDC, type TokenEndpointGrantContext } from 'oidc-provider'
import { checkDpopReplay, validateDpop } from 'oidc-provider/lib/helpers/grants.js'
import type { Subject } from '../../core/names.ts'
import { parseSubject } from '../../core/names.ts'
import { type Access, claimedAccess, signAccessToken } from '../../tokens/access-token.ts'
import { type Actor, ACTORS_MAX } from '../../tokens/actor.ts'
import type { Authority } from '../directory/directory.ts'
import { delegated } from '../delegation/delegation-exchange.ts'
import { recordUse } from '../delegation/grants.ts'
import { API_KEY_CLIENT, DELEGATION_CLIENT } from './built-in-clients.ts'
import type { LoadedRealm } from './loaded-realm.ts'
import type { ProviderTools } from './provider-tools.ts'
import { sessionOfApiKey } from './session-of-grant.ts'
import { type GoodToken, goodToken } from './structured-tokens.ts'

export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
export const API_KEY_TYPE = 'urn:ringfence:params:oauth:token-type:api-key'
export const EXCHANGE_PARAMETERS = [
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'actor_token',
  'actor_token_type',
  'resource',
  'audience',
  'scope',
  'grant_id',
] as const

/** What is exchanged, as far as it can be had again: never more than it was good for. */
interface Source {
  readonly subject: Subject
  readonly scopes: readonly string[]
  /** Undefined: those that the subject has at this moment. */
  readonly roles: readonly string[] | undefined
  readonly signIn: Partial<Access>
  readonly secondsLeft: number
  readonly boundTo: string | undefined
}

/**
 * Exchanges an access token of the realm for a narrower one, in which the client says that it acts, an
 * API key for an access token, or a token of another tenant's realm for one under a grant (RFC 8693). What comes out has no more scopes, roles or time than
 * what went in, and no more than its subject has at this moment.
 */
export function tokenExchange(realm: LoadedRealm, tools: ProviderTools) {
  const { tenant } = realm
  return async (ctx: TokenEndpointGrantContext): Promise<void> => {
    const { client, params, provider } = ctx.oidc
    checkParameters(ctx, tools.audience)
    const proof = await validateDpop(provider, ctx)
    if (client.clientId === DELEGATION_CLIENT) {
      const given = await delegated(ctx, realm, tools)
      if (given.boundTo !== undefined && given.boundTo !== proof?.thumbprint) {
        throw new errors.InvalidGrant('bound to a key that was not shown')
      }
      await checkDpopReplay(provider, ctx, proof, client.clientId)
      const scopes = chosen(text(params.scope), given.scopes)
      await answer(
        ctx,
        realm,
        tools,
        {
          ...given.access,
          client: client.clientId,
          scopes,
          ...(proof === undefined ? {} : { boundTo: proof.thumbprint }),
        },
        given.seconds,
        (token) =>
          recordUse(tools.database, {
            grantor: tenant,
            grantee: given.grantee,
            grant: given.grant.id,
            subject: given.grant.subject,
            token,
            scopes,
          }),
      )
      return
    }
    const source = await sourceOf(ctx, realm, tools)
    if (source.boundTo !== undefined && source.boundTo !== proof?.thumbprint) {
      throw new errors.InvalidGrant('bound to a key that was not shown')
    }
    await checkDpopReplay(provider, ctx, proof, client.clientId)
    const authority = await authorityOf(source.subject, realm, tools)
    const scopes = narrowed(text(params.scope), source, authority)
    const access: Access = {
      ...source.signIn,
      tenant,
      subject: source.subject,
      client: client.clientId,
      scopes,
      roles: authority.roles.filter((role) => source.roles?.includes(role) !== false),
      placedRoles: authority.placedRoles,
      ...(proof === undefined ? {} : { boundTo: proof.thumbprint }),
    }
    const seconds = Math.min(realm.settings.accessTokenSeconds, source.secondsLeft)
    await answer(ctx, realm, tools, access, seconds)
  }
}

/** @param before what is done with the token's id before anybody has it */
async function answer(
  ctx: TokenEndpointGrantContext,
  { tenant, issuer }: LoadedRealm,
  { keys, audience }: ProviderTools,
  access: Access,
  seconds: number,
  before: (id: string) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const key = await keys.signing(tenant)
  const token = await signAccessToken(key, { issuer, audience }, access, seconds)
  await before(claimedAccess(token)?.id ?? '')
  ctx.body = {
    access_token: token,
    issued_token_type: ACCESS_TOKEN_TYPE,
    token_type: access.boundTo === undefined ? 'Bearer' : 'DPoP',
    expires_in: seconds,
    scope: access.scopes.join(' '),
  }
}

/** What clients that every realm has come with. */
const TAKES: Readonly<Record<string, readonly string[]>> = {
  [API_KEY_CLIENT]: [API_KEY_TYPE],
  [DELEGATION_CLIENT]: [ACCESS_TOKEN_TYPE],
}

function checkParameters({ oidc }: TokenEndpointGrantContext, audience: string): void {
  const { params, client } = oidc
  if (text(params['actor_token']) !== undefined) {
    // Who acts is the client, and it has just shown that it is.
    throw new errors.InvalidRequest('actor_token is not taken')
  }
  const wanted = text(params['requested_token_type'])
  if (wanted !== undefined && wanted !== ACCESS_TOKEN_TYPE) {
    throw new errors.InvalidRequest('only access tokens are issued')
  }
  for (const target of [params.resource, params['audience']]) {
    if (target !== undefined && target !== audience) throw new errors.InvalidTarget()
  }
  const type = text(params['subject_token_type'])
  const takes = TAKES[client.clientId] ?? [ACCESS_TOKEN_TYPE, API_KEY_TYPE]
  if (type === undefined || !takes.includes(type)) {
    throw new errors.InvalidRequest('a subject token of this type is not taken')
  }
  const delegates = client.clientId === DELEGATION_CLIENT
  if (delegates !== (text(params['grant_id']) !== undefined)) {
    throw new errors.InvalidRequest(
      'a grant is named with the client for grants, and with no other',
    )
  }
  if (type === ACCESS_TOKEN_TYPE && !delegates && client.clientAuthMethod === 'none') {
    throw new errors.InvalidRequest('who acts must authenticate')
  }
}

async function sourceOf(
  ctx: KoaContextWithOIDC,
  { tenant, issuer, settings }: LoadedRealm,
  tools: ProviderTools,
): Promise<Source> {
  const { params, client } = ctx.oidc
  const token = text(params?.['subject_token']) ?? ''
  if (params?.['subject_token_type'] === API_KEY_TYPE) {
    const key = await tools.apiKeys.use(tenant, token)
    if (key === undefined) throw new errors.InvalidGrant('no such API key')
    return {
      subject: key.subject,
      scopes: key.scopes,
      roles: undefined,
      signIn: { session: sessionOfApiKey(key.id) },
      secondsLeft: Math.min(settings.accessTokenSeconds, left(key.expiresAt)),
      boundTo: undefined,
    }
  }
  const good = await goodToken(token, tenant, issuer, tools)
  // What is held under a grant is passed on to nobody.
  if (good === undefined || left(good.expiresAt) < 1 || good.delegation !== undefined) {
    throw new errors.InvalidGrant('no such token')
  }
  return {
    subject: good.subject,
    scopes: good.scopes,
    roles: good.roles,
    signIn: { ...signInOf(good), actor: actorOf(good, client?.clientId ?? '') },
    secondsLeft: left(good.expiresAt),
    boundTo: good.boundTo,
  }
}

/** What a token says of the sign-in that it came of goes on to the next. */
function signInOf({ session, acr, amr, authenticatedAt }: GoodToken): Partial<Access> {
  return {
    ...(session === undefined ? {} : { session }),
    ...(acr === undefined ? {} : { acr }),
    ...(amr === undefined ? {} : { amr }),
    ...(authenticatedAt === undefined ? {} : { authenticatedAt }),
  }
}

/** The client before the actors before it; itself once, if it acts already. */
function actorOf({ actor }: GoodToken, client: string): Actor {
  const subject = parseSubject(client)
  if (actor?.subject === subject) return actor
  const chain: Actor = { subject, ...(actor === undefined ? {} : { actor }) }
  if (lengthOf(chain) > ACTORS_MAX) throw new errors.InvalidGrant('too many act for each other')
  return chain
}

function lengthOf({ actor }: Actor): number {
  return actor === undefined ? 1 : 1 + lengthOf(actor)
}

/** The pre-token step of this grant. */
async function authorityOf(
  subject: Subject,
  { tenant }: LoadedRealm,
  { authorities }: ProviderTools,
): Promise<Authority> {
  const authority =
    (await authorities.user(tenant, subject)) ?? (await authorities.client(tenant, subject))
  if (authority === undefined) throw new errors.InvalidGrant('nobody who may')
  return authority
}

function narrowed(asked: string | undefined, source: Source, authority: Authority) {
  return chosen(
    asked,
    source.scopes.filter((scope) => authority.scopes.includes(scope)),
  )
}

function chosen(asked: string | undefined, may: readonly string[]): readonly string[] {
  if (asked === undefined) return may
  const scopes = [...new Set(asked.split(' '))]
  const excess = scopes.filter((scope) => !may.includes(scope))
  if (excess.length > 0) throw new errors.InvalidScope('more than there was', excess.join(' '))
  return scopes
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function left(date: Date): number {
  return Math.floor((date.getTime() - Date.now()) / 1000)
}
