import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Scope, SCOPES } from './lease.ts'
import { parsed } from './parsed.ts'
import { parseTenantId, type TenantId } from './tenant.ts'

/** Longest time for which an operator gets at a tenant's data, in seconds. */
export const SUPPORT_SECONDS_MAX = 4 * 3_600
export const SUPPORT_SECONDS_MIN = 60
export const SUPPORT_REASON_CHARACTERS_MAX = 500

/** Who has to agree before an operator gets at a tenant's data. */
export const SUPPORT_POLICIES = [
  'never',
  'consent',
  'second-person',
  'consent-and-second-person',
] as const
export type SupportPolicy = (typeof SUPPORT_POLICIES)[number]
export const SUPPORT_POLICY_DEFAULT: SupportPolicy = 'consent-and-second-person'

/** Where an access stands. The last four are ends: nothing follows. */
export const SUPPORT_STATES = [
  'requested',
  'approved',
  'consented',
  'active',
  'ended',
  'denied',
  'expired',
  'revoked',
] as const
export type SupportState = (typeof SUPPORT_STATES)[number]

/** What is asked for, and so what is agreed to: nothing of it changes afterwards. */
export interface SupportTerms {
  readonly id: string
  readonly tenant: TenantId
  /** The operator: a person of the operators' realm, or `token:` and a token's name. */
  readonly operator: string
  readonly scope: Scope
  /** From the moment at which it becomes active. */
  readonly seconds: number
  readonly reason: string
  /** Who has to agree, as the tenant's policy said when it was asked for. */
  readonly policy: SupportPolicy
}

/** One change of where an access stands. */
export interface SupportChange {
  readonly at: Date
  readonly from: SupportState | undefined
  readonly to: SupportState
  readonly by: string
  readonly why: string
}

/** An access as the tenant sees it. */
export interface ShownSupport extends SupportTerms {
  readonly state: SupportState
  readonly requestedAt: Date
  /** Until then it can be agreed to. */
  readonly decideBy: Date
  /** The end of an active one, and of one that was active. */
  readonly endsAt: Date | undefined
  readonly changes: readonly SupportChange[]
  /** Goes up with every change. */
  readonly revision: number
}

export const SUPPORT_DECISIONS = ['consent', 'deny', 'revoke'] as const
export type SupportDecisionKind = (typeof SUPPORT_DECISIONS)[number]

/** What an administrator of the tenant decided about one access. */
export interface SupportDecision {
  readonly access: string
  /** Digest of the terms that the administrator was shown. */
  readonly digest: string
  readonly kind: SupportDecisionKind
  readonly by: string
  readonly at: Date
}

/** An access ends here. */
export function isOver(state: SupportState): boolean {
  return state === 'ended' || state === 'denied' || state === 'expired' || state === 'revoked'
}

/** The subject under which an operator appears at a tenant: in tokens, leases and records. */
export function supportSubject({ operator }: Pick<SupportTerms, 'operator'>): string {
  return `support:${operator}`
}

/** Names the terms as a whole, in hexadecimal: who agrees, agrees to these and to no others. */
export function termsDigest(terms: SupportTerms): string {
  const { id, tenant, operator, scope, seconds, reason, policy } = terms
  const text = JSON.stringify([id, tenant, operator, scope, seconds, reason, policy])
  return createHash('sha256').update(text).digest('hex')
}

export function needsConsent(policy: SupportPolicy): boolean {
  return policy === 'consent' || policy === 'consent-and-second-person'
}

export function needsSecondPerson(policy: SupportPolicy): boolean {
  return policy === 'second-person' || policy === 'consent-and-second-person'
}

/** An access as it travels between planes. */
export const shownSupportSchema = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9._-]{1,100}$/),
  tenant: parsed(parseTenantId),
  operator: z.string().regex(/^[A-Za-z0-9:._@-]{1,150}$/),
  scope: z.enum(SCOPES),
  seconds: z.int().min(SUPPORT_SECONDS_MIN).max(SUPPORT_SECONDS_MAX),
  reason: z.string().min(1).max(SUPPORT_REASON_CHARACTERS_MAX),
  policy: z.enum(SUPPORT_POLICIES),
  state: z.enum(SUPPORT_STATES),
  requestedAt: z.coerce.date(),
  decideBy: z.coerce.date(),
  endsAt: z.coerce.date().optional(),
  changes: z
    .array(
      z.strictObject({
        at: z.coerce.date(),
        from: z.enum(SUPPORT_STATES).optional(),
        to: z.enum(SUPPORT_STATES),
        by: z.string().max(300),
        why: z.string().max(1_000),
      }),
    )
    .max(50),
  revision: z.int().min(1),
})

export const supportDecisionSchema = z.strictObject({
  access: z.string().max(100),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  kind: z.enum(SUPPORT_DECISIONS),
  by: z.string().max(300),
  at: z.coerce.date(),
})
