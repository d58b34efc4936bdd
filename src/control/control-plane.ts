import type { LeaseRecord, Revocation } from '../boundaries/boundary.ts'
import type { LeaseId, Scope } from '../core/lease.ts'
import type { ClientId, PlanName, ServiceName, Subject } from '../core/names.ts'
import type { CellName, Region, TenantId, Tier } from '../core/tenant.ts'
import type { GrantDesk } from './grants/grants.ts'
import type { Manifests } from './manifests/manifests.ts'
import type { GuardedKind } from './operators/guarded-acts.ts'
import type { People } from './operators/people.ts'
import type { OperatorRole } from './operators/roles.ts'
import type { Security } from './operators/security.ts'
import type { RealmDesk } from './realms/realm-desk.ts'
import type { Support } from './support/support.ts'

/**
 * What the control plane can do, whoever asks: the HTTP API and tests call this and nothing below it.
 * Every method that changes something is recorded with its actor, and may throw `forbidden` (the
 * actor's scopes), `not_found`, `conflict`, `invalid_argument`.
 */
export interface ControlPlane {
  readonly tenants: Tenants
  readonly workflows: Workflows
  readonly approvals: Approvals
  readonly catalogue: Catalogue
  readonly operators: Operators
  readonly people: People
  readonly security: Security
  readonly support: Support
  readonly realms: RealmDesk
  readonly manifests: Manifests
  readonly grants: GrantDesk
  readonly jobs: Jobs
  readonly refusals: Refusals
  /** Runs a change once for each key of an actor: see `Idempotency`. */
  readonly idempotency: Idempotency
  /** True when the control database answers and workflows run. */
  healthy(): Promise<boolean>
}

/** A call that was refused before anything was done. */
export interface RefusedCall {
  /** Undefined when nobody could be identified. */
  readonly by: Actor | undefined
  readonly requestId: string
  /** Where it came from. */
  readonly address: string | undefined
  readonly reason: string
}

/** Enters who was not let in, so that it can be found. */
export interface Refusals {
  /** @throws RingfenceError when it cannot be entered: then nothing else is said either */
  enter(refused: RefusedCall): Promise<void>
}

/** What an operator's token may do. */
export const OPERATOR_SCOPES = [
  'tenants:read',
  'tenants:write',
  'leases:read',
  'leases:write',
  'approvals:write',
  'catalogue:write',
  'jobs:write',
  'operators:write',
  'support:read',
  'support:write',
  'security:write',
  'realms:read',
  'realms:write',
  'configuration:read',
  'configuration:write',
] as const
export type OperatorScope = (typeof OPERATOR_SCOPES)[number]

/** What a credential that is one tenant's may have. */
export const TENANT_SCOPES = [
  'configuration:read',
  'configuration:write',
] as const satisfies readonly OperatorScope[]

/** Who acts. Names are unique and never used again: the record of changes names them. */
export interface Actor {
  readonly kind: 'operator' | 'workload' | 'system' | 'administrator'
  readonly name: string
  readonly scopes: readonly OperatorScope[]
  /** Joins this call's entries in logs and records. */
  readonly requestId: string
  /** Who of the operators' realm stands behind it: acts, or owns the token. Absent: nobody is known. */
  readonly person?: Subject
  /** For which tenant it acts: nothing that is not this tenant's own is there for it. */
  readonly tenant?: TenantId
  /** How the person signed in. Absent for tokens, whoever owns them. */
  readonly signedIn?: {
    readonly roles: readonly OperatorRole[]
    readonly twoFactors: boolean
    /** Scopes that a second factor would give. */
    readonly beyond: readonly OperatorScope[]
  }
}

export const TENANT_STATUSES = [
  'requested',
  'provisioning',
  'active',
  'suspended',
  'moving',
  'offboarding',
  'erased',
] as const
export type TenantStatus = (typeof TENANT_STATUSES)[number]

export interface TenantView {
  readonly id: TenantId
  readonly displayName: string
  readonly tier: Tier
  readonly region: Region
  readonly plan: PlanName
  readonly status: TenantStatus
  readonly cell: CellName | undefined
  readonly issuer: string | undefined
  readonly hosts: readonly string[]
  /** While set, the tenant may not be erased. */
  readonly legalHold: boolean
  /** The step at which the newest workflow failed, and why; undefined when nothing did. */
  readonly failure:
    | { readonly workflow: string; readonly step: string; readonly why: string }
    | undefined
  readonly createdAt: Date
  readonly changedAt: Date
  /** Grows by one with every change: the ETag. */
  readonly revision: number
}

export interface StatusChange {
  readonly at: Date
  readonly from: TenantStatus | undefined
  readonly to: TenantStatus
  readonly by: string
  readonly why: string
}

export interface Page<T> {
  readonly items: readonly T[]
  /** Where the next page begins; undefined on the last. Opaque, and bound to its list and filter. */
  readonly next: string | undefined
}

export interface PageRequest {
  /** 1 to 500. */
  readonly limit: number
  readonly cursor?: string
}

export interface Tenants {
  list(
    filter: { readonly status?: TenantStatus; readonly region?: Region; readonly tier?: Tier },
    page: PageRequest,
  ): Promise<Page<TenantView>>
  get(tenant: TenantId): Promise<TenantView>
  history(tenant: TenantId, page: PageRequest): Promise<Page<StatusChange>>
  /** Enters the tenant as `requested` and starts its onboarding. @throws `already_exists`, `no_capacity` */
  create(
    request: {
      readonly id: TenantId
      readonly displayName: string
      readonly tier: Tier
      readonly region: Region
      readonly plan: PlanName
      readonly hosts?: readonly string[]
    },
    by: Actor,
  ): Promise<WorkflowView>
  /** @throws `precondition_failed` when `revision` is not the present one */
  update(
    tenant: TenantId,
    change: {
      readonly displayName?: string
      readonly plan?: PlanName
      readonly hosts?: readonly string[]
      readonly legalHold?: boolean
    },
    revision: number | undefined,
    by: Actor,
  ): Promise<TenantView>
  suspend(tenant: TenantId, why: string, by: Actor): Promise<WorkflowView>
  /** Serves a suspended tenant again, or continues its failed workflow at the step that failed. */
  resume(tenant: TenantId, by: Actor): Promise<WorkflowView>
  move(tenant: TenantId, to: Tier, by: Actor): Promise<WorkflowView>
  /** Exports, waits for the grace period (`purge`: none), erases, and leaves a signed receipt. */
  offboard(
    tenant: TenantId,
    options: { readonly purge: boolean; readonly why: string },
    by: Actor,
  ): Promise<WorkflowView>
  /** Calls an offboarding off during its grace period, or a move before its cut-over. */
  cancel(tenant: TenantId, by: Actor): Promise<WorkflowView>
  /** Writes all that the tenant owns below the control plane's export directory. */
  export(tenant: TenantId, by: Actor): Promise<WorkflowView>
  /** The signed receipt (a DSSE envelope) of an erased tenant's newest offboarding. */
  receipt(tenant: TenantId): Promise<string>
  leases(tenant: TenantId): Promise<readonly LeaseRecord[]>
  revoke(tenant: TenantId, lease: LeaseId | undefined, by: Actor): Promise<Revocation>
  /** Credentials and sessions that one workload got, of all tenants, end now. */
  revokeWorkload(client: ClientId, by: Actor): Promise<Revocation>
}

export const WORKFLOW_KINDS = [
  'onboard',
  'suspend',
  'resume',
  'move',
  'offboard',
  'export',
] as const
export type WorkflowKind = (typeof WORKFLOW_KINDS)[number]

export interface WorkflowView {
  readonly id: string
  readonly kind: WorkflowKind
  readonly tenant: TenantId
  /** `waiting`: for an approval or for the end of a grace period. */
  readonly state: 'running' | 'waiting' | 'succeeded' | 'failed' | 'cancelled'
  /** The step that runs, waits or failed now. */
  readonly step: string | undefined
  readonly steps: readonly WorkflowStep[]
  readonly error: string | undefined
  readonly by: string
  readonly startedAt: Date
  readonly endedAt: Date | undefined
  /** What it gave: an export's manifest, a move's verification, a receipt's digest. */
  readonly result: unknown
}

export interface WorkflowStep {
  readonly name: string
  readonly state: 'pending' | 'running' | 'done' | 'failed'
  readonly startedAt: Date | undefined
  readonly endedAt: Date | undefined
  /** One line for people: `placed in eu-west-1`. */
  readonly note: string | undefined
}

/** For server-sent events: `id` counts up inside one workflow, so that a reader goes on where it was. */
export interface WorkflowEvent {
  readonly id: number
  readonly at: Date
  readonly step: string
  readonly state: WorkflowStep['state'] | 'waiting' | 'succeeded' | 'cancelled'
  readonly note: string | undefined
}

export interface Workflows {
  list(
    filter: { readonly tenant?: TenantId; readonly state?: WorkflowView['state'] },
    page: PageRequest,
  ): Promise<Page<WorkflowView>>
  get(id: string): Promise<WorkflowView>
  /** Events after `after`, then new ones as they come, until the workflow has ended or `signal` aborts. */
  events(id: string, after: number, signal: AbortSignal): AsyncIterable<WorkflowEvent>
}

export interface ApprovalView {
  readonly id: string
  /** What waits for it. Absent of a guarded act: whoever asked does it afterwards. */
  readonly workflow: string | undefined
  readonly tenant: TenantId | undefined
  readonly kind: WorkflowKind | GuardedKind
  /** Of a guarded act: what it is done to, and all of it in one line. */
  readonly subject: string | undefined
  readonly summary: string | undefined
  /** People whom it is about, while it waits: only for who decides, or may see people of realms. */
  readonly names?: string
  readonly requestedBy: string
  readonly requestedAt: Date
  readonly expiresAt: Date
  readonly state: 'pending' | 'approved' | 'refused' | 'expired'
  readonly decidedBy: string | undefined
  readonly decidedAt: Date | undefined
  readonly comment: string | undefined
  /** The change's number in an outside system, when one is connected. */
  readonly externalRef: string | undefined
}

export interface Approvals {
  list(
    filter: { readonly state?: ApprovalView['state'] },
    page: PageRequest,
  ): Promise<Page<ApprovalView>>
  get(id: string): Promise<ApprovalView>
  /** @throws `forbidden` for the requester, `conflict` when it is decided or expired */
  decide(
    id: string,
    approve: boolean,
    comment: string | undefined,
    by: Actor,
  ): Promise<ApprovalView>
  /**
   * A decision from outside, as it came: its signature, time and id are checked here.
   * @throws `not_authenticated` (forged or too old), `conflict` (seen before)
   */
  receiveWebhook(headers: Readonly<Record<string, string>>, body: string): Promise<ApprovalView>
}

export interface CellView {
  readonly name: CellName
  readonly region: Region
  /** Tenants that may be placed in it. */
  readonly capacity: number
  readonly tenants: number
  /** False: keeps its tenants and takes no new ones. */
  readonly open: boolean
}

export interface PlanView {
  readonly name: PlanName
  readonly tiers: readonly Tier[]
  readonly requestsPerMinute: number
  readonly leasesPerMinute: number
  readonly leaseSecondsMax: number
  /** Onboarding on this plan needs a second person. */
  readonly approval: boolean
}

/** What tenants are placed in and what they can buy. */
export interface Catalogue {
  cells(): Promise<readonly CellView[]>
  putCell(cell: Omit<CellView, 'tenants'>, by: Actor): Promise<CellView>
  plans(): Promise<readonly PlanView[]>
  putPlan(plan: PlanView, by: Actor): Promise<PlanView>
}

export interface OperatorView {
  readonly name: string
  readonly scopes: readonly OperatorScope[]
  /** It acts for this tenant, and reaches no other. */
  readonly tenant: TenantId | undefined
  readonly createdAt: Date
  readonly expiresAt: Date | undefined
  readonly revokedAt: Date | undefined
  /** The person who made it. Absent: nobody is known, as of the first one. */
  readonly owner: string | undefined
  /** To the minute. */
  readonly lastUsedAt: Date | undefined
}

/** Where and how operators sign in. */
export interface SignInPlace {
  readonly issuer: string
  /** The resource (RFC 8707) for which they ask access tokens. */
  readonly audience: string
  /** The public client of the command line. */
  readonly client: string
}

export interface Operators {
  /**
   * Who presents this token: an operator's own, of which only hashes are stored, or an access token of
   * the operators' realm. @throws `not_authenticated`
   */
  authenticate(token: string, requestId: string): Promise<Actor>
  /** @throws `engine_unavailable` when the identity plane was never reached */
  signIn(): Promise<SignInPlace>
  /** Since when guarded acts need a second person; undefined while there is none. */
  fourEyesSince(): Promise<Date | undefined>
  /** Tokens. */
  list(): Promise<readonly OperatorView[]>
  /** The token is returned once and can never be read again. */
  create(
    operator: {
      readonly name: string
      readonly scopes: readonly OperatorScope[]
      readonly seconds?: number
      /** For its administrators. Scopes are those of `TENANT_SCOPES` then. */
      readonly tenant?: TenantId
    },
    by: Actor,
  ): Promise<{ readonly operator: OperatorView; readonly token: string }>
  revoke(name: string, by: Actor): Promise<OperatorView>
  /** The first operator, with every scope, made when there is none; undefined ever after. */
  bootstrap(): Promise<string | undefined>
}

export interface Jobs {
  /** The workload that presents this client assertion (RFC 7523). @throws `not_authenticated` */
  authenticate(
    assertion: string,
    requestId: string,
  ): Promise<Actor & { readonly service: ServiceName }>
  /** Contexts for one run of a job: one for each active tenant, or for `tenants` alone. Logged. */
  contexts(
    request: {
      readonly job: string
      readonly service: ServiceName
      readonly scopes: readonly Scope[]
      readonly seconds: number
      readonly reason: string
      readonly tenants?: readonly TenantId[]
    },
    by: Actor,
  ): Promise<
    readonly { readonly tenant: TenantId; readonly token: string; readonly expiresAt: Date }[]
  >
}

export interface Idempotency {
  /**
   * Runs `work` for the first call with this key and remembers its outcome for 24 hours; a repeat gets
   * the first outcome. Keys of two actors never meet. A call whose first is still under way: `conflict`.
   * @throws `idempotency_key_reused` when `fingerprint` (method, path and body) differs
   */
  once(
    actor: Actor,
    key: string,
    fingerprint: string,
    work: () => Promise<StoredAnswer>,
  ): Promise<StoredAnswer & { readonly repeated: boolean }>
}

export interface StoredAnswer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}
