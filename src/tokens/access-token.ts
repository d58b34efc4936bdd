import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { parseSubject, type Subject } from '../core/names.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import type { SigningKey } from './signing-key.ts'
import { type KeySet, verifyToken } from './verify-token.ts'

/** RFC 9068, section 2.1. */
const TYP = 'at+jwt'
/** Access tokens live 5 minutes: a JWT cannot be taken back, so what revokes a session is a deny list. */
export const ACCESS_TOKEN_SECONDS = 300
export const ACCESS_TOKEN_SECONDS_MAX = 900

/** Who a realm says is calling. */
export interface Access {
  readonly tenant: TenantId
  readonly subject: Subject
  /** The OAuth client through which the subject acts. */
  readonly client: string
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
}

const claimsSchema = z.object({
  tenant_id: z.string(),
  client_id: z.string().min(1).max(200),
  scope: z.string().max(1000),
  roles: z.array(z.string().min(1).max(100)).max(50),
})

/** Signs an access token of a realm, in the shape of RFC 9068. */
export async function signAccessToken(
  key: SigningKey,
  realm: { readonly issuer: string; readonly audience: string },
  access: Access,
  seconds: number = ACCESS_TOKEN_SECONDS,
): Promise<string> {
  const iat = Math.floor(Date.now() / 1000)
  return key.sign(TYP, {
    iss: realm.issuer,
    aud: realm.audience,
    sub: access.subject,
    client_id: access.client,
    tenant_id: access.tenant,
    scope: access.scopes.join(' '),
    roles: access.roles,
    iat,
    exp: iat + seconds,
    jti: randomUUID(),
  })
}

/**
 * Verifies an access token against one realm. The caller still compares `tenant` with the route.
 * @throws RingfenceError `invalid_token`
 */
export async function verifyAccessToken(
  token: string,
  keys: KeySet,
  realm: { readonly issuer: string; readonly audience: string },
): Promise<Access & { readonly id: string; readonly expiresAt: Date }> {
  const claims = await verifyToken(token, keys, {
    typ: TYP,
    issuer: realm.issuer,
    audience: realm.audience,
    secondsMax: ACCESS_TOKEN_SECONDS_MAX,
  })
  try {
    return { ...accessOf(claims), id: claims.jti, expiresAt: new Date(claims.exp * 1000) }
  } catch (error) {
    throw new RingfenceError('invalid_token', 'the token is not valid', {
      detail: messageOf(error),
      cause: error,
    })
  }
}

function accessOf(claims: Readonly<Record<string, unknown>>): Access {
  const { tenant_id, client_id, scope, roles } = claimsSchema.parse(claims)
  return {
    tenant: parseTenantId(tenant_id),
    subject: parseSubject(claims['sub']),
    client: client_id,
    scopes: scope.split(' ').filter((one) => one !== ''),
    roles,
  }
}

/** What a token says of its bearer, and which issuer it names. */
export type ClaimedAccess = Access & { readonly issuer: string }

/**
 * Reads a token without verifying anything, as anybody may have written it. Nothing of it may be
 * acted on before `verifyAccessToken` has accepted the same token. Undefined if it cannot be read.
 */
export function claimedAccess(token: string): ClaimedAccess | undefined {
  try {
    const claims = decodeJwt(token)
    return { ...accessOf(claims), issuer: String(claims.iss) }
  } catch {
    return undefined
  }
}
