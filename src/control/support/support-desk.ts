import type { ShownSupport, SupportDecision } from '../../core/support-terms.ts'
import type { TenantId } from '../../core/tenant.ts'

/**
 * The identity plane, as the keeper of each tenant's own record of support accesses. It keeps the
 * tenant's word while the control plane is down, and the control plane asks for it. Every call can be
 * made again.
 */
export interface SupportDesk {
  /** Shows an access to its tenant. An older revision than was shown changes nothing. */
  show(access: ShownSupport): Promise<void>
  /** What the tenant's administrators decided about accesses that were not over when they were shown. */
  decisions(tenant: TenantId): Promise<readonly SupportDecision[]>
  /**
   * An access token of the tenant's realm for an access that it sees as active, good for at most
   * `seconds`, and not beyond the access's end.
   * @throws RingfenceError `conflict` when it does not, or the tenant took it back
   */
  issue(
    tenant: TenantId,
    access: string,
    seconds: number,
  ): Promise<{ readonly token: string; readonly expiresAt: Date }>
}
