import type { WireGrantUse } from '../../administration/grant-uses.ts'
import type { GrantConfig } from '../../contracts/grant.ts'
import type { GrantId } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Actor, Page, PageRequest } from '../control-plane.ts'

export const GRANT_STATES = ['offered', 'active', 'refused', 'revoked', 'expired'] as const
export type GrantState = (typeof GRANT_STATES)[number]

/** What happened to a grant. Of the other side nobody learns who did it there. */
export interface GrantEvent {
  readonly what: 'offered' | 'accepted' | 'refused' | 'revoked'
  readonly at: Date
  readonly side: 'grantor' | 'grantee' | 'operator'
  readonly by: string | undefined
}

export interface GrantView extends GrantConfig {
  readonly grantor: TenantId
  readonly state: GrantState
  readonly events: readonly GrantEvent[]
}

/** What is offered: all of a grant but what the platform itself gives it. */
export type GrantOffer = Omit<GrantConfig, 'id'>

/**
 * What tenants let principals of others do. The administrator of each side speaks for it, signed in, and
 * nobody in its place: no operator, and no token of automation. Of a grant between others there is
 * nothing to see.
 */
export interface GrantDesk {
  /** By either side: its own. Newest first, 500 at most. */
  list(by: Actor): Promise<readonly GrantView[]>
  get(id: GrantId, by: Actor): Promise<GrantView>
  /**
   * By either side: the tokens that came of it, as the own realm has recorded them, the newest first. For
   * an operator as the grantor's has. @throws `not_found`, `engine_unavailable` when no realm answers
   */
  uses(id: GrantId, page: PageRequest, by: Actor): Promise<Page<WireGrantUse>>
  /**
   * By the grantor. That there is no such tenant or principal is not said.
   * @throws RingfenceError `forbidden`, `invalid_argument`, `conflict` when there are too many
   */
  offer(offer: GrantOffer, by: Actor): Promise<GrantView>
  /** By the grantee: it is in force from now on. @throws `not_found`, `conflict` unless it is offered */
  accept(id: GrantId, by: Actor): Promise<GrantView>
  /** By the grantee. @throws `not_found`, `conflict` unless it is offered */
  refuse(id: GrantId, by: Actor): Promise<GrantView>
  /** By either side, or an operator: all of it ends now. Again: nothing more. @throws `not_found` */
  revoke(id: GrantId, by: Actor): Promise<GrantView>
}
