import type { Subject } from '../../core/names.ts'
import type { Actor } from '../control-plane.ts'
import type { OperatorRole } from './roles.ts'

/** A person of the operators' realm. */
export interface PersonView {
  readonly subject: Subject
  readonly email: string | undefined
  readonly displayName: string | undefined
  readonly roles: readonly OperatorRole[]
  /** False: nothing is issued for it. */
  readonly active: boolean
  readonly createdAt: Date
}

export interface Invitation {
  readonly email: string
  readonly displayName: string
  readonly roles: readonly OperatorRole[]
}

/** Who works here. The realm is the identity plane's; what changes is recorded with its actor. */
export interface People {
  list(): Promise<readonly PersonView[]>
  /** @throws `not_found` */
  get(person: Subject): Promise<PersonView>
  /** Makes the account, and mails a link by which its owner sets it up. @throws ApprovalRequired */
  invite(invitation: Invitation, by: Actor): Promise<PersonView>
  /** @throws ApprovalRequired for more than before; `conflict` when too few would be left who decide */
  setRoles(person: Subject, roles: readonly OperatorRole[], by: Actor): Promise<PersonView>
  /** Ends all that it has, at once. @throws `conflict` when too few would be left who decide */
  remove(person: Subject, by: Actor): Promise<PersonView>
}

/** The identity plane, as the keeper of the operators' realm. Every call can be made again. */
export interface OperatorAccounts {
  list(): Promise<readonly PersonView[]>
  /** The account with this address, made and mailed at the first call. */
  invite(invitation: Invitation): Promise<PersonView>
  /** @throws RingfenceError `not_found` */
  setRoles(person: Subject, roles: readonly OperatorRole[]): Promise<void>
  /** Its sessions and tokens end with it. Not an error when it was gone before. */
  remove(person: Subject): Promise<void>
}
