import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Holder, LinkOutcome, Refused } from './sign-in.ts'

/** What a user may about the own address, and has asked for. */
export interface EmailChangeState {
  /** False: who it is, and the address, comes from elsewhere. */
  readonly mayChange: boolean
  /** The address that waits to be confirmed. */
  readonly pending: string | undefined
}

/**
 * Another address for an account, as its user wants it. It is the account's when whoever has the mailbox
 * says so, by a link that works once and for an hour; until then nothing is changed. The address before
 * it is told, when it is asked for and when it is done. Every method may throw RingfenceError
 * `engine_unavailable`.
 */
export interface EmailChange {
  state(tenant: TenantId, subject: Subject): Promise<EmailChangeState>
  /**
   * Mails the link to the new address, in place of an earlier one. Whether the address is another
   * user's is not told here, but to whoever opens the link.
   * @throws RingfenceError `invalid_argument` (not an address), `overloaded`
   */
  request(
    holder: Holder & { readonly by: 'session' },
    email: string,
  ): Promise<{ readonly kind: 'asked' } | Refused>
  /** Nothing waits any more. Not an error when nothing did. */
  cancel(tenant: TenantId, subject: Subject): Promise<void>
  /** Looks at a link without using it: whose account it is of. Undefined where there is none. */
  open(tenant: TenantId, link: string): Promise<{ readonly name: string } | undefined>
  /** Uses the link. `taken`: another user of the realm has proven the address. */
  confirm(
    tenant: TenantId,
    link: string,
  ): Promise<{ readonly kind: 'changed' } | { readonly kind: 'taken' } | LinkOutcome>
}
