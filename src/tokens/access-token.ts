import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { parseSubject, type Subject } from '../core/names.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { defined, type SignIn, signInClaims, signInOf } from './sign-in-claims.ts'
import type { SigningKey } from './signing-key.ts'
import { type KeySet, verifyToken } from './verify-token.ts'

/** RFC 9068, section 2.1. */
const TYP = 'at+jwt'
/** Access tokens live 5 minutes: a JWT cannot be taken back, so what revokes a session is a deny list. */
export const ACCESS_TOKEN_SECONDS = 300
export const ACCESS_TOKEN_SECONDS_MAX = 900

/** Who a realm says is calling. */
export interface Access extends SignIn {
  readonly tenant: TenantId
  readonly subject: Subject
  /** The OAuth client through which the subject acts. */
  readonly client: string
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
  /** `cnf.jkt`: thumbprint of the key of which a bearer shows a proof (RFC 9449, section 6.1). */
  readonly boundTo?: string
}

/** Of the token itself. */
export interface TokenFacts {
  /** `jti`. */
  readonly id: string
  /** `iat`, whole seconds. */
  readonly issuedAt: Date
  readonly expiresAt: Date
}

const claimsSchema = z.object({
  tenant_id: z.string(),
  client_id: z.string().min(1).max(200),
  scope: z.string().max(1000),
  roles: z.array(z.string().min(1).max(100)).max(50),
  // A token that is bound in a way that nobody here can check is a token for nobody.
  cnf: z.strictObject({ jkt: z.string().regex(/^[\w-]{43}$/) }).optional(),
})

const factsSchema = z.object({
  jti: z.string().min(1).max(200),
  iat: z.number().nonnegative().max(8.64e12),
  exp: z.number().nonnegative().max(8.64e12),
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
    ...accessClaims(access),
    iat,
    exp: iat + seconds,
    jti: randomUUID(),
  })
}

/** What an access token says of its bearer: the same claims whatever it was granted for. */
export function accessClaims(access: Access): Readonly<Record<string, unknown>> {
  const { tenant, subject, client, scopes, roles, boundTo } = access
  return defined({
    sub: subject,
    client_id: client,
    tenant_id: tenant,
    scope: scopes.join(' '),
    roles,
    ...signInClaims(access),
    cnf: boundTo === undefined ? undefined : { jkt: boundTo },
  })
}

/**
 * Verifies an access token against one realm. The caller still compares `tenant` with the route, asks
 * whether it was revoked, and for a token that is bound to a key demands a proof of that key.
 * @throws RingfenceError `invalid_token`
 */
export async function verifyAccessToken(
  token: string,
  keys: KeySet,
  realm: { readonly issuer: string; readonly audience: string },
): Promise<Access & TokenFacts> {
  const claims = await verifyToken(token, keys, {
    typ: TYP,
    issuer: realm.issuer,
    audience: realm.audience,
    secondsMax: ACCESS_TOKEN_SECONDS_MAX,
  })
  try {
    return { ...accessOf(claims), ...factsOf(claims) }
  } catch (error) {
    throw new RingfenceError('invalid_token', 'the token is not valid', {
      detail: messageOf(error),
      cause: error,
    })
  }
}

function accessOf(claims: Readonly<Record<string, unknown>>): Access {
  const { tenant_id, client_id, scope, roles, cnf } = claimsSchema.parse(claims)
  return {
    tenant: parseTenantId(tenant_id),
    subject: parseSubject(claims['sub']),
    client: client_id,
    scopes: scope.split(' ').filter((one) => one !== ''),
    roles,
    ...signInOf(claims),
    ...(cnf === undefined ? {} : { boundTo: cnf.jkt }),
  }
}

function factsOf(claims: Readonly<Record<string, unknown>>): TokenFacts {
  const { jti, iat, exp } = factsSchema.parse(claims)
  return { id: jti, issuedAt: new Date(iat * 1000), expiresAt: new Date(exp * 1000) }
}

/** What a token says of its bearer and itself, and which issuer it names. */
export type ClaimedAccess = Access & TokenFacts & { readonly issuer: string }

/**
 * Reads a token without verifying anything, as anybody may have written it. Nothing of it may be
 * acted on before `verifyAccessToken` has accepted the same token. Undefined if it cannot be read.
 */
export function claimedAccess(token: string): ClaimedAccess | undefined {
  try {
    const claims = decodeJwt(token)
    return { ...accessOf(claims), ...factsOf(claims), issuer: String(claims.iss) }
  } catch {
    return undefined
  }
}
