import { z } from 'zod'
import { type LeaseId, type Scope, SCOPES } from '../core/lease.ts'
import { type ClientId, parseClientId, parseServiceName, parseSubject } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { parseTenantId } from '../core/tenant.ts'
import { type Form, readForm } from '../http/form.ts'
import type {
  Configuration,
  PlanConfig,
  TenantConfig,
  WorkloadConfig,
} from '../snapshot/snapshot.ts'
import { CLIENT_ASSERTION_TYPE } from '../tokens/client-assertion.ts'
import type { Origin, TenantContext } from '../tokens/tenant-context.ts'
import type { Issued } from './issued-leases.ts'
import type { LimitState } from './limits.ts'
import { Refusal } from './refusal.ts'

export const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const SUBJECT_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:jwt'
const LEASE_ID = /^[\x21-\x7e]{1,200}$/
const SECONDS = /^[1-9][0-9]{0,5}$/
const LEASE_SECONDS_DEFAULT = 900

export const KINDS = ['exchange', 'renewal', 'revocation'] as const
export type Kind = (typeof KINDS)[number]

/** What a token says before anybody has verified it, or after. */
export interface Claimed {
  readonly tenant: TenantContext['tenant']
  readonly service: TenantContext['service']
  readonly subject: TenantContext['subject']
  readonly scopes: readonly string[]
  readonly kind: TenantContext['kind']
  readonly requestId: string
  readonly id: string
  readonly issuedAt: Date
  readonly expiresAt: Date
  readonly session?: string
  readonly actor?: TenantContext['actor']
  readonly delegation?: TenantContext['delegation']
  readonly billed?: TenantContext['billed']
  /** Absent for jobs. */
  readonly origin?: Origin
}

/**
 * One request as it goes through the checks. At first it holds what the caller claims; the checks
 * compare, verify and narrow it, and what is left is what is granted.
 */
export interface Attempt {
  readonly kind: Kind
  readonly requestId: string
  readonly form: Form
  /** Ways besides the form by which the request tries to say something. */
  readonly besides: { readonly authorization: boolean; readonly query: boolean }
  readonly configuration: Configuration
  readonly assertion: { readonly text: string; readonly id: string; readonly expiresAt: number }
  readonly client: ClientId
  readonly workload: WorkloadConfig | undefined
  readonly token: string
  context: Claimed
  readonly tenant: TenantConfig | undefined
  readonly plan: PlanConfig | undefined
  /** The lease that is to be renewed or revoked. */
  readonly leaseId: LeaseId | undefined
  lease: Issued | undefined
  scope: Scope
  /** Seconds that a new lease may live. */
  seconds: number
  /** When the job ends that a lease stands on. */
  jobEndsAt: Date | undefined
  readonly warnings: string[]
  readonly limits: LimitState[]
  /** What has been verified by now: only that is written down as a fact. */
  readonly verified: { client: boolean; context: boolean }
}

const assertionClaims = z.looseObject({
  iss: parsed(parseClientId),
  jti: z.string().min(1).max(200),
  exp: z.number(),
})

const moment = z.number().positive().max(8.64e12)

const contextClaims = z.looseObject({
  tenant_id: parsed(parseTenantId),
  aud: parsed(parseServiceName),
  sub: parsed(parseSubject),
  scope: z.string().max(100),
  request_id: z.string().min(1).max(200),
  jti: z.string().min(1).max(200),
  iat: moment,
  exp: moment,
  sid: z.string().max(200).optional(),
  origin: z
    .looseObject({ jti: z.string().max(200), client_id: z.string().max(200), iat: moment })
    .optional(),
})

/**
 * Reads what a request claims. Nothing is believed yet.
 * @throws Refusal for what cannot be read; RingfenceError `snapshot_stale`
 */
export async function readAttempt(
  kind: Kind,
  requestId: string,
  request: Request,
  configuration: Configuration,
): Promise<Attempt> {
  const form = await readForm(request).catch(() => {
    throw new Refusal('invalid_request', 'form', 'unreadable')
  })
  if (kind === 'exchange' && form.get('grant_type') !== GRANT_TYPE) {
    const error =
      form.get('grant_type') === undefined ? 'invalid_request' : 'unsupported_grant_type'
    throw new Refusal(error, 'form', 'grant-type')
  }
  const assertion = form.get('client_assertion')
  if (assertion === undefined || form.get('client_assertion_type') !== CLIENT_ASSERTION_TYPE) {
    throw new Refusal('invalid_client', 'client', 'no-assertion')
  }
  const token = form.get('subject_token')
  if (token === undefined || form.get('subject_token_type') !== SUBJECT_TOKEN_TYPE) {
    throw new Refusal('invalid_request', 'form', 'no-subject-token')
  }
  const claimed = assertionClaims.safeParse(partOf(assertion, 1)).data
  if (claimed === undefined) throw new Refusal('invalid_client', 'client', 'unreadable')
  const context = claimedContext(token)
  const { platform } = configuration
  const tenant = configuration.tenant(context.tenant)
  return {
    kind,
    requestId,
    form,
    besides: {
      authorization: request.headers.has('authorization'),
      query: new URL(request.url).search !== '',
    },
    configuration,
    assertion: { text: assertion, id: claimed.jti, expiresAt: claimed.exp },
    client: claimed.iss,
    workload: platform.workloads.find(({ client }) => client === claimed.iss),
    token,
    context,
    tenant,
    plan: platform.plans.find(({ name }) => name === tenant?.plan),
    leaseId: kind === 'exchange' ? undefined : leaseIdOf(form),
    lease: undefined,
    scope: scopeOf(form),
    seconds: secondsOf(form),
    jobEndsAt: undefined,
    warnings: [],
    limits: [],
    verified: { client: false, context: false },
  }
}

function claimedContext(token: string): Claimed {
  const claims = contextClaims.safeParse(partOf(token, 1)).data
  if (claims === undefined) throw new Refusal('invalid_grant', 'context', 'unreadable')
  const header = z.looseObject({ typ: z.string() }).safeParse(partOf(token, 0)).data
  return {
    tenant: claims.tenant_id,
    service: claims.aud,
    subject: claims.sub,
    scopes: claims.scope.split(' '),
    kind: header?.typ === 'rf-job+jwt' ? 'job' : 'request',
    requestId: claims.request_id,
    id: claims.jti,
    issuedAt: new Date(claims.iat * 1000),
    expiresAt: new Date(claims.exp * 1000),
    ...(claims.sid === undefined ? {} : { session: claims.sid }),
    ...(claims.origin === undefined ? {} : { origin: originOf(claims.origin) }),
  }
}

function originOf(claim: NonNullable<z.output<typeof contextClaims>['origin']>): Origin {
  return { id: claim.jti, client: claim.client_id, issuedAt: new Date(claim.iat * 1000) }
}

function scopeOf(form: Form): Scope {
  const text = form.get('scope') ?? 'read'
  const scope = SCOPES.find((name) => name === text)
  if (scope === undefined) throw new Refusal('invalid_scope', 'scope', 'unknown')
  return scope
}

function secondsOf(form: Form): number {
  const text = form.get('lease_seconds')
  if (text === undefined) return LEASE_SECONDS_DEFAULT
  if (!SECONDS.test(text)) throw new Refusal('invalid_request', 'form', 'lease-seconds')
  return Number(text)
}

function leaseIdOf(form: Form): LeaseId {
  const text = form.get('lease_id')
  if (text === undefined || !LEASE_ID.test(text)) {
    throw new Refusal('invalid_request', 'form', 'lease-id')
  }
  return text as LeaseId
}

function partOf(token: string, index: number): unknown {
  try {
    return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString())
  } catch {
    return undefined
  }
}
