import type { Subject } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'

/**
 * Takes back what was issued. Of a subject, a client, a tenant or everybody it voids all that was
 * issued until `at`; what is issued in a later second is good again. A token or a session stays void.
 */
export type Revocation = { readonly at: Date } & (
  | { readonly kind: 'token'; readonly tenant: TenantId; readonly id: string }
  | { readonly kind: 'session'; readonly tenant: TenantId; readonly id: string }
  | { readonly kind: 'subject'; readonly tenant: TenantId; readonly id: Subject }
  | { readonly kind: 'client'; readonly tenant: TenantId; readonly id: string }
  | { readonly kind: 'tenant'; readonly tenant: TenantId }
  | { readonly kind: 'everything' }
)

/** What is known of a verified token that can be revoked. */
export interface Revocable {
  readonly tenant: TenantId
  /** `jti`. */
  readonly id: string
  /** `sid`: the session that it came of, if it came of one. */
  readonly session: string | undefined
  readonly subject: Subject
  /** `client_id`. */
  readonly client: string
  /** `iat`, whole seconds. */
  readonly issuedAt: Date
  /** What it was exchanged for in another realm: taken back there, it is void here. */
  readonly source?: Revocable
}

/** What a process knows of revocations. In memory: no call waits. */
export interface RevocationList {
  /**
   * True when any revocation covers the token.
   * @throws RingfenceError `revocations_unknown` when what is known is older than its limit: serve nobody
   */
  revokes(token: Revocable): boolean
}

/** Where the gateway and vending learn of revocations. */
export interface RevocationSource extends RevocationList {
  /** False while `revokes` throws. */
  readonly known: boolean
  /** The widest kind of revocation that covers the token, however old the list is; or none. */
  find(token: Revocable): Revocation['kind'] | undefined
  /** Calls `listener` with what was not known before, once it is in force here. */
  onNews(listener: (news: readonly Revocation[]) => void): void
}

/** A way to run SQL inside the caller's transaction. */
export interface RevocationRows {
  query(sql: string, values?: readonly unknown[]): Promise<unknown>
  /** Does something once the transaction has committed, and not if it does not. */
  readonly afterCommit?: (thing: () => void) => void
}

/** Publishes revocations to every process that follows them. */
export interface RevocationPublisher {
  /**
   * Enters the revocation with the caller's transaction: both happen or neither. Followers learn of it
   * when that commits.
   */
  publish(rows: RevocationRows, revocation: Revocation): Promise<void>
}
