import type { RealmOperation } from '../../administration/operation.ts'
import type {
  RealmInput,
  RealmItem,
  RealmListingName,
  RealmOperationName,
  RealmOutput,
} from '../../administration/operations.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import type { Actor, OperatorScope, Page, PageRequest } from '../control-plane.ts'

/** What was taken back, for as long as it could still matter. */
export interface RevocationView {
  readonly kind: Revocation['kind']
  /** Absent of a tenant, and of everything. */
  readonly id: string | undefined
  readonly at: Date
  /** From then on nothing that it voids can be good any more. */
  readonly until: Date
}

/**
 * The realms of tenants, as operators administer them. Only of tenants that the registry knows and
 * that are not erased: a suspended or moving one has a realm that can be put in order. Every call may
 * throw `not_found` (also for what is another tenant's) and `engine_unavailable`: then nothing, or all
 * of it, has been done, and the same call can be made again.
 */
export interface RealmDesk {
  /** @throws ApprovalRequired for what lets somebody in, once four eyes are in force */
  ask<N extends RealmOperationName>(
    name: N,
    tenant: TenantId,
    input: RealmInput<N>,
    by: Actor,
  ): Promise<RealmOutput<N>>
  /** One page of a list. @throws `invalid_argument` for a cursor of another list, filter or tenant */
  list<N extends RealmListingName>(
    name: N,
    tenant: TenantId,
    filter: Omit<RealmInput<N>, 'limit' | 'after'>,
    page: PageRequest,
    by: Actor,
  ): Promise<Page<RealmItem<N>>>
  /** Of the tenant, and of everything. The newest first. */
  revocations(tenant: TenantId, page: PageRequest, by: Actor): Promise<Page<RevocationView>>
}

/** What an operation needs: it changes something, or it does not. */
export function realmScope({ act }: Pick<RealmOperation, 'act'>): OperatorScope {
  return act === undefined ? 'realms:read' : 'realms:write'
}
