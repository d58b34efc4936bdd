import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { type Scope, SCOPES } from '../core/lease.ts'
import { parseSubject, type ServiceName, type Subject } from '../core/names.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import type { SigningKey } from './signing-key.ts'
import { type KeySet, verifyToken } from './verify-token.ts'

/**
 * On whose behalf a service works: for one tenant, one service, a short time. `request` contexts
 * come from the gateway, `job` contexts from the control plane.
 */
export interface TenantContext {
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
})

/** @throws RingfenceError `invalid_argument` when it would live longer than its kind may */
export async function signContext(
  key: SigningKey,
  context: TenantContext,
  seconds: number,
): Promise<string> {
  const { typ, issuer, secondsMax } = KINDS[context.kind]
  if (!(seconds > 0 && seconds <= secondsMax)) {
    throw new RingfenceError(
      'invalid_argument',
      `a ${context.kind} context lives at most ${secondsMax} s`,
    )
  }
  const iat = Math.floor(Date.now() / 1000)
  return key.sign(typ, {
    iss: issuer,
    aud: context.service,
    sub: context.subject,
    tenant_id: context.tenant,
    scope: context.scopes.join(' '),
    roles: context.roles,
    request_id: context.requestId,
    iat,
    exp: iat + seconds,
    jti: randomUUID(),
  })
}

/** The keys that sign each kind of context. */
export interface ContextKeys {
  readonly request: KeySet
  readonly job: KeySet
}

/** A context with what a holder may want to know of its token. */
export type VerifiedContext = TenantContext & { readonly id: string; readonly expiresAt: Date }

/**
 * Verifies a context for one service. The token's type decides which keys may have signed it.
 * @throws RingfenceError `invalid_token`
 */
export async function verifyContext(
  token: string,
  keys: ContextKeys,
  service: ServiceName,
): Promise<VerifiedContext> {
  const kind = kindOf(token)
  const { typ, issuer, secondsMax } = KINDS[kind]
  const claims = await verifyToken(token, keys[kind], {
    typ,
    issuer,
    audience: service,
    secondsMax,
  })
  try {
    const { tenant_id, scope, roles, request_id } = claimsSchema.parse(claims)
    return {
      kind,
      tenant: parseTenantId(tenant_id),
      service,
      subject: parseSubject(claims.sub),
      scopes: scopesOf(scope),
      roles,
      requestId: request_id,
      id: claims.jti,
      expiresAt: new Date(claims.exp * 1000),
    }
  } catch (error) {
    throw new RingfenceError('invalid_token', 'the token is not valid', {
      detail: messageOf(error),
      cause: error,
    })
  }
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
