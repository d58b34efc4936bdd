import type { AuditEntry } from '../audit/entry.ts'
import type { TenantId } from '../core/tenant.ts'
import type { UsageEvent } from '../usage/usage-event.ts'

export const SIGNALS = [
  'sign-ins',
  'failed-sign-ins',
  'calls',
  'delegated-calls',
  'delegations',
  'leases',
  'denials',
] as const
export type Signal = (typeof SIGNALS)[number]

/** What one record says, as far as detectors go by it. What is undefined it does not say, or nobody verified. */
export interface Observation {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly tenant: TenantId | undefined
  /** Who, within the tenant: `user alice`; of another tenant's principals the grant, `grant gr-…`. */
  readonly principal: string | undefined
  readonly signal: Signal | undefined
  /** The grant under which somebody of another tenant acted, or wanted to. */
  readonly grant: string | undefined
  readonly session: string | undefined
  readonly address: string | undefined
  /** What was presented does not hold: a token, a proof, a context. */
  readonly invalidClaim: boolean
  /** What was wanted goes beyond a grant. */
  readonly beyondGrant: boolean
}

/** Actions of entries that are counted, each as what. What is denied is counted as that besides. */
const COUNTED: Readonly<Record<string, Signal>> = {
  'user.signed-in': 'sign-ins',
  'user.sign-in-failed': 'failed-sign-ins',
  'lease.granted': 'leases',
  // A token under a grant: in the log of either side, whose principal or whose grant it is.
  'grant.used': 'delegations',
}
/** Checks of the front door that a caller fails whose token, proof or host is not what it says. */
const CLAIM_CHECKS =
  /^(?:token|host-is-known|host-and-path-agree|issuer-is-the-tenants|token-is-for-the-tenant|token-in-its-scheme|proof.*)$/
/** Checks of the front door that somebody of another tenant fails who wants what no grant gives. */
const GRANT_CHECKS =
  /^(?:grant-stands|grantee-is-served|(?:scope|api|action|resource)-of-the-grant)$/
/** A token that was good a moment ago: whoever it is comes again with the next one. */
const EXPIRED = /"exp" claim|expired/i
const CALL = 'dev.ringfence.request'
const GRANT_SUBJECT = 'grant:'

/** What an entry of a log says. Undefined: nothing that anybody counts. */
export function observationOf(entry: AuditEntry): Observation | undefined {
  const { category, action, decision, layer, reason = '', tenant, actor, on_behalf_of } = entry
  if (category === 'detection') return undefined
  const denied = decision === 'denied'
  const signal = COUNTED[action] ?? (denied && tenant !== undefined ? 'denials' : undefined)
  const partner = actor.tenant ?? on_behalf_of?.tenant
  const invalidClaim =
    denied &&
    ((action === 'request.denied' && CLAIM_CHECKS.test(layer) && !EXPIRED.test(reason)) ||
      // A context that was made for one service, in the hands of another.
      (action === 'lease.denied' && reason === 'other-service'))
  const beyondGrant =
    denied &&
    partner !== undefined &&
    (action === 'lease.denied' || (action === 'request.denied' && GRANT_CHECKS.test(layer)))
  const session = textOf(entry.detail?.['session'])
  if (signal === undefined && !invalidClaim && session === undefined) return undefined
  // The session of a token under a grant is the grant.
  const grant = partner === undefined ? undefined : (entry.grant_id ?? session)
  return {
    at: Date.parse(entry.time),
    tenant,
    principal: tenant === undefined ? undefined : principalOf(entry, grant),
    signal,
    grant,
    session: tenant === undefined ? undefined : session,
    address: action.startsWith('request.') ? entry.address : undefined,
    invalidClaim,
    beyondGrant,
  }
}

/** What an event of a plane's says: what services report of themselves is for bills, not for this. */
export function callOf(event: UsageEvent): Observation | undefined {
  if (event.type !== CALL || event.corrects !== undefined || event.voids !== undefined) {
    return undefined
  }
  const { grantid: grant, subject } = event
  const isDelegated = grant !== undefined
  return {
    at: Date.parse(event.time),
    tenant: event.tenantcontextid ?? event.tenantid,
    principal: isDelegated ? `grant ${grant}` : subject && `user ${subject}`,
    signal: isDelegated ? 'delegated-calls' : 'calls',
    grant,
    session: undefined,
    address: undefined,
    invalidClaim: false,
    beyondGrant: false,
  }
}

function principalOf(entry: AuditEntry, grant: string | undefined): string | undefined {
  const { actor, on_behalf_of, action, object } = entry
  if (grant !== undefined) return `grant ${grant}`
  // Whoever it was has not shown who it is: the account is what was tried.
  if (action === 'user.sign-in-failed') return object && `user ${object.id}`
  const who = on_behalf_of ?? actor
  const isPartner = who.tenant !== undefined || who.id.startsWith(GRANT_SUBJECT)
  return who.kind === 'unknown' || isPartner ? undefined : `${who.kind} ${who.id}`
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined
}
