import type { LeaseRecord, Revocation } from '../../boundaries/boundary.ts'
import type {
  Actor,
  ApprovalView,
  CellView,
  OperatorScope,
  OperatorView,
  PlanView,
  StatusChange,
  TenantView,
  WorkflowEvent,
  WorkflowView,
} from '../control-plane.ts'
import type { PersonView } from '../operators/people.ts'
import type { SupportKey, SupportView } from '../support/support.ts'
import type { z } from '@hono/zod-openapi'
import type {
  cellSchema,
  leaseSchema,
  operatorSchema,
  personSchema,
  planSchema,
  revocationSchema,
  statusChangeSchema,
  supportKeySchema,
  WireApproval,
  WireSupport,
  WireTenant,
  WireWorkflow,
  WireWorkflowEvent,
} from './schemas.ts'

/** The control plane's views in the form of `schemas.ts`. */

const time = (at: Date): string => at.toISOString()
const timeOrNull = (at: Date | undefined): string | null => at?.toISOString() ?? null

export function wireTenant(view: TenantView): WireTenant {
  return {
    id: view.id,
    display_name: view.displayName,
    tier: view.tier,
    region: view.region,
    plan: view.plan,
    status: view.status,
    cell: view.cell ?? null,
    issuer: view.issuer ?? null,
    hosts: [...view.hosts],
    legal_hold: view.legalHold,
    failure: view.failure ? { ...view.failure } : null,
    created_at: time(view.createdAt),
    changed_at: time(view.changedAt),
    revision: view.revision,
  }
}

export function wireStatusChange(change: StatusChange): z.infer<typeof statusChangeSchema> {
  return {
    at: time(change.at),
    from: change.from ?? null,
    to: change.to,
    by: change.by,
    why: change.why,
  }
}

export function wireWorkflow(view: WorkflowView): WireWorkflow {
  return {
    id: view.id,
    kind: view.kind,
    tenant: view.tenant,
    state: view.state,
    step: view.step ?? null,
    steps: view.steps.map((step) => ({
      name: step.name,
      state: step.state,
      started_at: timeOrNull(step.startedAt),
      ended_at: timeOrNull(step.endedAt),
      note: step.note ?? null,
    })),
    error: view.error ?? null,
    by: view.by,
    started_at: time(view.startedAt),
    ended_at: timeOrNull(view.endedAt),
    result: jsonOf(view.result),
  }
}

/** The result as it will be read: dates as text, what JSON has no word for left out. */
function jsonOf(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value) ?? 'null')
}

export function wireWorkflowEvent(event: WorkflowEvent): WireWorkflowEvent {
  return {
    id: event.id,
    at: time(event.at),
    step: event.step,
    state: event.state,
    note: event.note ?? null,
  }
}

/** Whose business names of people in a realm are: of who decides on them, and of who administers it. */
const KNOWS_NAMES: readonly OperatorScope[] = ['approvals:write', 'realms:read', 'realms:write']

/** @param reader who reads it; absent for whoever is not known, who reads no names */
export function wireApproval(view: ApprovalView, reader?: Actor): WireApproval {
  const named = reader?.scopes.some((scope) => KNOWS_NAMES.includes(scope)) === true
  const names = named && view.names !== undefined ? `: ${view.names}` : ''
  return {
    id: view.id,
    workflow: view.workflow ?? null,
    tenant: view.tenant ?? null,
    kind: view.kind,
    subject: view.subject ?? null,
    summary: view.summary === undefined ? null : `${view.summary}${names}`,
    requested_by: view.requestedBy,
    requested_at: time(view.requestedAt),
    expires_at: time(view.expiresAt),
    state: view.state,
    decided_by: view.decidedBy ?? null,
    decided_at: timeOrNull(view.decidedAt),
    comment: view.comment ?? null,
    external_ref: view.externalRef ?? null,
  }
}

export function wireLease(record: LeaseRecord): z.infer<typeof leaseSchema> {
  return {
    lease_id: record.lease_id,
    tenant: record.tenant,
    scope: record.scope,
    holder: record.holder,
    issued_at: time(record.issued_at),
    expires_at: time(record.expires_at),
    ended_at: timeOrNull(record.ended_at),
    ended_why: record.ended_why ?? null,
  }
}

export function wireRevocation(revocation: Revocation): z.infer<typeof revocationSchema> {
  return { leases: [...revocation.leases], sessions_ended: revocation.sessionsEnded }
}

export function wireCell({
  name,
  region,
  capacity,
  tenants,
  open,
}: CellView): z.infer<typeof cellSchema> {
  return { name, region, capacity, tenants, open }
}

export function wirePlan(view: PlanView): z.infer<typeof planSchema> {
  return {
    name: view.name,
    tiers: [...view.tiers],
    requests_per_minute: view.requestsPerMinute,
    leases_per_minute: view.leasesPerMinute,
    lease_seconds_max: view.leaseSecondsMax,
    approval: view.approval,
  }
}

export function wireOperator(view: OperatorView): z.infer<typeof operatorSchema> {
  return {
    name: view.name,
    scopes: [...view.scopes],
    created_at: time(view.createdAt),
    expires_at: timeOrNull(view.expiresAt),
    revoked_at: timeOrNull(view.revokedAt),
    owner: view.owner ?? null,
    tenant: view.tenant ?? null,
    last_used_at: timeOrNull(view.lastUsedAt),
  }
}

export function wirePerson(view: PersonView): z.infer<typeof personSchema> {
  return {
    subject: view.subject,
    email: view.email ?? null,
    display_name: view.displayName ?? null,
    roles: [...view.roles],
    active: view.active,
    created_at: time(view.createdAt),
  }
}

export function wireSupport(view: SupportView): WireSupport {
  return {
    id: view.id,
    tenant: view.tenant,
    operator: view.operator,
    scope: view.scope,
    seconds: view.seconds,
    reason: view.reason,
    policy: view.policy,
    state: view.state,
    alone: view.alone,
    requested_by: view.requestedBy,
    requested_at: time(view.requestedAt),
    decide_by: time(view.decideBy),
    approval: view.approval ?? null,
    approved_by: view.approvedBy ?? null,
    consented_by: view.consentedBy ?? null,
    ends_at: timeOrNull(view.endsAt),
    changes: view.changes.map(({ at, from, to, by, why }) => ({
      at: time(at),
      from: from ?? null,
      to,
      by,
      why,
    })),
  }
}

export function wireKey(key: SupportKey): z.infer<typeof supportKeySchema> {
  return { tenant: key.tenant, token: key.token, expires_at: time(key.expiresAt) }
}
