import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { type Scope, SCOPES } from '../core/lease.ts'
import { parseSubject, type ServiceName, type Subject } from '../core/names.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { defined, type SignIn, signInClaims, signInOf } from './sign-in-claims.ts'
import type { SigningKey } from './signing-key.ts'
import { type KeySet, verifyToken } from './verify-token.ts'

/** The access token that a request came with: what of it can be revoked. */
export interface Origin {
  /** Its `jti`. */
  readonly id: string
  /** The OAuth client that it was issued to. */
  readonly client: string
  /** Whole seconds. */
  readonly issuedAt: Date
}

/**
 * On whose behalf a service works: for one tenant, one service, a short time. `request` contexts
 * come from the gateway, `job` contexts from the control plane. A context says of the user's session,
 * sign-in, roles at places and actor what the access token said.
 */
export interface TenantContext extends SignIn {
  readonly kind: 'request' | 'job'
  readonly tenant: TenantId
  /** The service that may use it: the token's audience. */
  readonly service: ServiceName
  readonly subject: Subject
  /** What leases it may be exchanged for. */
  readonly scopes: readonly Scope[]
  readonly roles: readonly string[]
  /** Joins the entries of one request (or one job) in logs, audit and traces. */
  readonly requestId: string
  /** Absent in contexts of jobs, which come from no access token. */
  readonly origin?: Origin
  /** Under a grant: who pays for what is done, as the grant says. Absent: the tenant itself. */
  readonly billed?: TenantId
}

interface Kind {
  readonly typ: string
  readonly issuer: string
  readonly secondsMax: number
}

/** Two issuers with two keys: a stolen gateway key signs no job, and neither signs the other's type. */
const KINDS: Readonly<Record<TenantContext['kind'], Kind>> = {
  request: { typ: 'rf-context+jwt', issuer: 'ringfence-gateway', secondsMax: 60 },
  job: { typ: 'rf-job+jwt', issuer: 'ringfence-control', secondsMax: 3_600 },
}
/** The header in which a context travels upstream. */
export const CONTEXT_HEADER = 'ringfence-context'

const claimsSchema = z.object({
  tenant_id: z.string(),
  scope: z.string().max(100),
  roles: z.array(z.string().min(1).max(100)).max(50),
  request_id: z.string().min(1).max(200),
  billed_tenant_id: z.string().optional(),
  origin: z
    .strictObject({
      jti: z.string().min(1).max(200),
      client_id: z.string().min(1).max(200),
      iat: z.number().nonnegative().max(8.64e12),
    })
    .optional(),
})

/** @throws RingfenceError `invalid_argument` when it would live longer than its kind may */
export async function signContext(
  key: SigningKey,
  context: TenantContext,
  seconds: number,
): Promise<string> {
  return key.sign(KINDS[context.kind].typ, claimsOf(context, seconds))
}

/** The same without waiting. @throws as `signContext` */
export function signContextNow(key: SigningKey, context: TenantContext, seconds: number): string {
  return key.signNow(KINDS[context.kind].typ, claimsOf(context, seconds))
}

function claimsOf(context: TenantContext, seconds: number): Readonly<Record<string, unknown>> {
  const { issuer, secondsMax } = KINDS[context.kind]
  if (!(seconds > 0 && seconds <= secondsMax)) {
    throw new RingfenceError(
      'invalid_argument',
      `a ${context.kind} context lives at most ${secondsMax} s`,
    )
  }
  const iat = Math.floor(Date.now() / 1000)
  const { origin, billed } = context
  return {
    iss: issuer,
    aud: context.service,
    sub: context.subject,
    tenant_id: context.tenant,
    scope: context.scopes.join(' '),
    roles: context.roles,
    request_id: context.requestId,
    ...signInClaims(context),
    ...defined({ origin: origin && originClaim(origin), billed_tenant_id: billed }),
    iat,
    exp: iat + seconds,
    jti: randomUUID(),
  }
}

function originClaim({ id, client, issuedAt }: Origin) {
  return { jti: id, client_id: client, iat: Math.floor(issuedAt.getTime() / 1000) }
}

/** The keys that sign each kind of context. */
export interface ContextKeys {
  readonly request: KeySet
  readonly job: KeySet
}

/** A context with what a holder may want to know of its token. */
export type VerifiedContext = TenantContext & {
  readonly id: string
  /** Whole seconds. */
  readonly issuedAt: Date
  readonly expiresAt: Date
}

/**
 * Verifies a context for one service. The token's type decides which keys may have signed it.
 * @param asOf `issue`: whether it was good when it was signed, however long ago that is. It says what was
 *   allowed then, and nothing may be done on it now
 * @throws RingfenceError `invalid_token`
 */
export async function verifyContext(
  token: string,
  keys: ContextKeys,
  service: ServiceName,
  asOf: 'now' | 'issue' = 'now',
): Promise<VerifiedContext> {
  const kind = kindOf(token)
  const { typ, issuer, secondsMax } = KINDS[kind]
  const claims = await verifyToken(token, keys[kind], {
    typ,
    issuer,
    audience: service,
    secondsMax,
    asOf,
  })
  try {
    const said = claimsSchema.parse(claims)
    const { tenant_id, scope, roles, request_id, origin, billed_tenant_id: billed } = said
    return {
      kind,
      tenant: parseTenantId(tenant_id),
      service,
      subject: parseSubject(claims.sub),
      scopes: scopesOf(scope),
      roles,
      requestId: request_id,
      ...signInOf(claims),
      ...(origin === undefined ? {} : { origin: originOf(origin) }),
      ...(billed === undefined ? {} : { billed: parseTenantId(billed) }),
      id: claims.jti,
      issuedAt: new Date(claims.iat * 1000),
      expiresAt: new Date(claims.exp * 1000),
    }
  } catch (error) {
    throw new RingfenceError('invalid_token', 'the token is not valid', {
      detail: messageOf(error),
      cause: error,
    })
  }
}

function originOf(claim: NonNullable<z.output<typeof claimsSchema>['origin']>): Origin {
  const { jti, client_id, iat } = claim
  return { id: jti, client: client_id, issuedAt: new Date(iat * 1000) }
}

function scopesOf(text: string): readonly Scope[] {
  const names = text.split(' ')
  const scopes = SCOPES.filter((scope) => names.includes(scope))
  if (scopes.length === 0 || scopes.length !== names.length) throw new TypeError('unknown scope')
  return scopes
}

function kindOf(token: string): TenantContext['kind'] {
  const header = Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString()
  return header.includes(`"${KINDS.job.typ}"`) ? 'job' : 'request'
}
