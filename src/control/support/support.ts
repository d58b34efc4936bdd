import type { Scope } from '../../core/lease.ts'
import type { ShownSupport, SupportPolicy, SupportState } from '../../core/support-terms.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Actor, Page, PageRequest } from '../control-plane.ts'

/** An access as operators see it. */
export interface SupportView extends ShownSupport {
  readonly requestedBy: string
  /** What a second person decides on, when one has to. */
  readonly approval: string | undefined
  readonly approvedBy: string | undefined
  readonly consentedBy: string | undefined
  /** True when there was nobody yet who could have been a second person, and so none was asked. */
  readonly alone: boolean
}

/** Something that opens a tenant's door for a short time. The token is secret. */
export interface SupportKey {
  readonly tenant: TenantId
  readonly token: string
  readonly expiresAt: Date
}

/** Break-glass: how an operator gets at one tenant's data, for a reason, for a time, seen by the tenant. */
export interface Support {
  list(
    filter: { readonly tenant?: TenantId; readonly state?: SupportState },
    page: PageRequest,
  ): Promise<Page<SupportView>>
  get(id: string): Promise<SupportView>
  /**
   * Asks for it: who has to agree is the tenant's policy. Active at once when nobody has to.
   * @throws `forbidden` where the policy is `never`, `not_found` for a tenant that is not served
   */
  request(
    request: {
      readonly tenant: TenantId
      readonly scope: Scope
      readonly seconds: number
      readonly reason: string
    },
    by: Actor,
  ): Promise<SupportView>
  /** Whoever asked for it gives it back. All of it ends now. @throws `conflict` when it is over */
  end(id: string, why: string, by: Actor): Promise<SupportView>
  /** Who may decide takes it away from whoever has it. @throws `conflict` when it is over */
  revoke(id: string, why: string, by: Actor): Promise<SupportView>
  /**
   * A job context for vending, for whoever asked and nobody else, while it is active.
   * @throws `conflict` when it is not, `forbidden` for somebody else
   */
  context(id: string, seconds: number | undefined, by: Actor): Promise<SupportKey>
  /** An access token of the tenant's realm, in the same way. */
  token(id: string, by: Actor): Promise<SupportKey>
  policy(tenant: TenantId): Promise<SupportPolicy>
  /** @throws ApprovalRequired */
  setPolicy(tenant: TenantId, policy: SupportPolicy, by: Actor): Promise<SupportPolicy>
}
