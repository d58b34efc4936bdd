import type { AskRealm } from '../administration/operations.ts'
import type { LiveBoundary } from '../boundaries/boundary.ts'
import type { CellName, TenantId } from '../core/tenant.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'
import type { ApprovalView, WorkflowKind } from './control-plane.ts'
import type { OperatorAccounts } from './operators/people.ts'
import type { SupportDesk } from './support/support-desk.ts'

/** What the control plane needs of the other planes. Each may be down: callers retry. */
export interface Ports {
  readonly cells: Cells
  readonly realms: Realms
  /** Accounts of the operators' realm. Absent: there is no identity plane that keeps them. */
  readonly operators?: OperatorAccounts
  /** Tenants' own records of support accesses. Absent: no tenant can agree to one. */
  readonly support?: SupportDesk
  /** What is in tenants' realms, administered. Absent: there is no identity plane that lets us. */
  readonly administration?: AskRealm
}

/** The boundaries of a cell: one for each engine in it. */
export interface Cells {
  /** @throws RingfenceError `engine_unavailable` when the cell is not known or does not answer */
  boundaries(cell: CellName): Promise<readonly LiveBoundary[]>
}

/** The identity plane, as an administrator of realms. Every call is idempotent. */
export interface Realms {
  /** The tenant's realm, made at the first call, with its issuer and the keys that verify its tokens. */
  ensure(tenant: TenantId, displayName: string): Promise<Realm>
  /** The same for a realm that is there; never makes one. */
  find(tenant: TenantId): Promise<Realm | undefined>
  /** Issues no tokens while it is closed. */
  setOpen(tenant: TenantId, open: boolean): Promise<void>
  /** Users, clients and keys are gone. */
  remove(tenant: TenantId): Promise<void>
  /** Publishes the next key; `compromised` puts new ones in place of all, at once. */
  rotateKeys(tenant: TenantId, compromised?: boolean): Promise<void>
}

export interface Realm {
  readonly issuer: string
  readonly keys: readonly PublicJwk[]
}

/**
 * How people outside hear of approvals and changes: signed webhooks, a change system. Called from
 * durable steps, so that a call may come again with the same id: the channel announces it once.
 * What it takes is not lost: it keeps it in the control database until it is delivered.
 */
export interface ApprovalChannel {
  /** Returns the outside system's number for it, when there is one by now. */
  announce(approval: ApprovalView): Promise<string | undefined>
  /** A tier move or an offboarding opens a change record. Returns its number, when there is one by now. */
  record(change: ChangeRecord): Promise<string | undefined>
}

export interface ChangeRecord {
  /** The id of the workflow; the record is opened once for it. */
  readonly workflow: string
  readonly kind: WorkflowKind
  readonly tenant: TenantId
  readonly requestedBy: string
  /** What changes, in one line: `moves from pooled to bridge`. */
  readonly summary: string
}

/** A decision that was made in an outside system, verified to come from there. */
export interface OutsideDecision {
  /** The message's id; a second message with it is a replay. */
  readonly id: string
  readonly approval: string
  readonly approve: boolean
  readonly comment: string | undefined
  /** Which channel, `webhook` or `servicenow`, and who decided there. */
  readonly channel: string
  readonly decidedBy: string
}
