import { parseSubject, type Subject } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import { type Form, readForm } from '../http/form.ts'
import { ACCESS_TOKEN_SECONDS, signAccessToken } from '../tokens/access-token.ts'
import { authenticateClient } from './client-authentication.ts'
import { NO_STORE, OAuthError } from './oauth-error.ts'
import type { RealmKeys } from './realm-keys.ts'
import type { Principal, RealmStore } from './realm-store.ts'
import type { UsedOnce } from './used-once.ts'

/** RFC 6749, section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/

export interface Issuing {
  readonly store: RealmStore
  readonly keys: RealmKeys
  readonly used: UsedOnce
  /** The audience of access tokens: the platform's API. */
  readonly audience: string
  readonly issuerOf: (tenant: TenantId) => string
}

export interface Issued {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly expires_in: number
  readonly scope: string
}

/**
 * The token endpoint of one realm: client_credentials (RFC 6749, section 4.4), with resource
 * indicators (RFC 8707) for the platform's API.
 * @throws OAuthError; RingfenceError `engine_unavailable`
 */
export async function tokenEndpoint(
  tenant: TenantId,
  request: Request,
  issuing: Issuing,
): Promise<Response> {
  const form = await readForm(request).catch(() => {
    throw new OAuthError('invalid_request', 'unreadable')
  })
  if (form.repeated.length > 0) throw new OAuthError('invalid_request', 'a repeated parameter')
  if (new URL(request.url).search !== '') throw new OAuthError('invalid_request', 'a query')
  const authorization = request.headers.get('authorization') ?? undefined
  const { client, entry } = await authenticateClient(
    tenant,
    issuing.issuerOf(tenant),
    form,
    authorization,
    issuing,
  )
  checkGrant(form)
  checkResource(form, issuing.audience)
  const scopes = scopesOf(form.get('scope'), entry)
  const issued = await issueToken(issuing, {
    tenant,
    subject: parseSubject(client),
    client,
    scopes,
    roles: entry.roles,
  })
  return Response.json(issued, { headers: NO_STORE })
}

/** Signs an access token. The caller has made sure that the realm is open. */
export async function issueToken(
  { keys, audience, issuerOf }: Issuing,
  access: {
    readonly tenant: TenantId
    readonly subject: Subject
    readonly client: string
    readonly scopes: readonly string[]
    readonly roles: readonly string[]
  },
  seconds: number = ACCESS_TOKEN_SECONDS,
): Promise<Issued> {
  const key = await keys.signing(access.tenant)
  const realm = { issuer: issuerOf(access.tenant), audience }
  return {
    access_token: await signAccessToken(key, realm, access, seconds),
    token_type: 'Bearer',
    expires_in: seconds,
    scope: access.scopes.join(' '),
  }
}

/** What is asked for, if it may be had; all that may be, if nothing is asked for. */
export function scopesOf(asked: string | undefined, may: Principal): readonly string[] {
  if (asked === undefined) return may.scopes
  const scopes = [...new Set(asked.split(' '))]
  if (!SCOPE.test(asked) || scopes.some((scope) => !may.scopes.includes(scope))) {
    throw new OAuthError('invalid_scope', 'more than the client may')
  }
  return scopes
}

function checkGrant(form: Form): void {
  const type = form.get('grant_type')
  if (type === undefined) throw new OAuthError('invalid_request', 'no grant type')
  if (type !== 'client_credentials') throw new OAuthError('unsupported_grant_type', 'another grant')
}

function checkResource(form: Form, audience: string): void {
  const resource = form.get('resource')
  if (resource !== undefined && resource !== audience) {
    throw new OAuthError('invalid_target', 'another resource')
  }
}
