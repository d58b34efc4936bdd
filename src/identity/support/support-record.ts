import type { Subject } from '../../core/names.ts'
import type { ShownSupport, SupportDecision } from '../../core/support-terms.ts'
import type { TenantId } from '../../core/tenant.ts'

export { TENANT_ADMIN_ROLE } from '../../core/tenant-admin.ts'

/** An access in the tenant's own record, with what the tenant itself has said of it. */
export interface RecordedSupport extends ShownSupport {
  readonly said: readonly SupportDecision[]
}

/**
 * A tenant's own record of operators' access to its data. It is the identity plane's, and answers and
 * takes decisions while the control plane is down: consent then waits for the control plane, and what
 * is taken back is void at once. Every method may throw RingfenceError `engine_unavailable`; those that
 * decide `forbidden` for whoever is not an administrator of the tenant, `not_found`, and `conflict`
 * when the access does not stand where this can be said of it.
 */
export interface SupportRecord {
  /** True for the tenant's own administrators. */
  mayDecide(tenant: TenantId, subject: Subject): Promise<boolean>
  /** Newest first, at most 200. */
  list(tenant: TenantId): Promise<readonly RecordedSupport[]>
  /** Agrees to exactly the terms that are shown. */
  consent(tenant: TenantId, access: string, by: Subject): Promise<void>
  deny(tenant: TenantId, access: string, by: Subject): Promise<void>
  /** Ends it, and all that was issued for it, at once. */
  revoke(tenant: TenantId, access: string, by: Subject): Promise<void>
}
