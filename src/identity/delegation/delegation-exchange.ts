import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { GrantConfig } from '../../contracts/grant.ts'
import { isInTime } from '../../contracts/standing-grant.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseGrantId } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Access } from '../../tokens/access-token.ts'
import { grantSubject } from '../../tokens/delegation.ts'
import type { LoadedRealm } from '../provider/loaded-realm.ts'
import type { ProviderTools } from '../provider/provider-tools.ts'
import { apiKeyOfSession } from '../provider/session-of-grant.ts'
import { type GoodToken, goodToken } from '../provider/structured-tokens.ts'

/** Longest life of a token of a grant, whatever the realm's own live. */
const SECONDS_MAX = 300

/** What a principal of another tenant may be given here. */
export interface Delegated {
  readonly access: Omit<Access, 'client' | 'scopes'>
  /** As far as both the grant and the principal's own token go. */
  readonly scopes: readonly string[]
  readonly seconds: number
  readonly boundTo: string | undefined
  readonly grantee: TenantId
  readonly grant: GrantConfig
}

/**
 * What a token of another tenant's realm is worth here: nothing, but for the principal of a grant of this
 * tenant's, in the grant's time. Whatever is amiss, the answer is the same.
 * @throws errors.InvalidGrant
 */
export async function delegated(
  ctx: KoaContextWithOIDC,
  realm: LoadedRealm,
  tools: ProviderTools,
): Promise<Delegated> {
  const { params } = ctx.oidc
  const grant = await grantNamed(params?.['grant_id'], realm.tenant, tools)
  const token = grant && (await tokenOfGrantee(String(params?.['subject_token']), grant, tools))
  if (grant === undefined || token === undefined) throw noSuchGrant()
  const { grantee, id } = grant
  const left = Math.min(Date.parse(grant.expires), token.expiresAt.getTime()) - Date.now()
  const seconds = Math.min(SECONDS_MAX, Math.floor(left / 1000))
  if (seconds < 1) throw noSuchGrant()
  const { session, client, issuedAt } = token
  const authenticatedAt = authenticationOf(token)
  return {
    access: {
      tenant: realm.tenant,
      subject: grantSubject(id),
      // Taken back as a whole with the grant.
      session: id,
      roles: [],
      actor: { issuer: token.issuer, subject: token.subject },
      ...(authenticatedAt === undefined ? {} : { authenticatedAt }),
      delegation: {
        grant: id,
        grantee,
        source: { id: token.id, client, issuedAt, ...(session === undefined ? {} : { session }) },
      },
    },
    scopes: grant.scopes.filter((scope) => token.scopes.includes(scope)),
    seconds,
    boundTo: token.boundTo,
    grantee,
    grant,
  }
}

/** When the principal has shown who it is: a user by signing in, a program by its key for each token. */
function authenticationOf({ authenticatedAt, session, issuedAt }: GoodToken): Date | undefined {
  const isProgram = session === undefined || apiKeyOfSession(session) !== undefined
  return authenticatedAt ?? (isProgram ? issuedAt : undefined)
}

async function grantNamed(
  id: unknown,
  grantor: TenantId,
  { grants }: ProviderTools,
): Promise<GrantConfig | undefined> {
  let named: GrantConfig['id']
  try {
    named = parseGrantId(id)
  } catch (error) {
    if (error instanceof RingfenceError) return undefined
    throw error
  }
  const grant = await grants.find(grantor, named)
  return grant !== undefined && isInTime(grant, Date.now()) ? grant : undefined
}

/** The token, if the grantee's own realm issued it to the grant's principal itself. */
async function tokenOfGrantee(
  text: string,
  { grantee, subject }: GrantConfig,
  tools: ProviderTools,
): Promise<(GoodToken & { readonly issuer: string }) | undefined> {
  const home = await tools.realms.find(grantee)
  // Of a tenant that is suspended the realm is closed.
  if (home?.open !== true) return undefined
  const token = await goodToken(text, grantee, home.issuer, tools)
  if (token === undefined || token.subject !== subject) return undefined
  // A token that says that somebody else acts, here or elsewhere, is not the principal's own.
  if (token.delegation !== undefined || token.actor !== undefined) return undefined
  return { ...token, issuer: home.issuer }
}

function noSuchGrant(): Error {
  return new errors.InvalidGrant('no such grant for this token')
}
