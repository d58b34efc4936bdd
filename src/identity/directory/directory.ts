import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { GroupId } from './group-id.ts'

/** A user of one realm. Two realms may have the same subject for two people. */
export interface Account {
  readonly subject: Subject
  /** What the user types to sign in; unique in the realm, compared without case. */
  readonly userName: string | undefined
  readonly email: string | undefined
  /** Only a verified address is unique, and only with one is a user found or mailed to recover. */
  readonly emailVerified: boolean
  readonly displayName: string | undefined
  readonly givenName: string | undefined
  readonly familyName: string | undefined
  /** What the source of provisioning calls the user. */
  readonly externalId: string | undefined
  /** False: nothing is issued for the user, and what was issued is revoked. */
  readonly active: boolean
  /** Goes up with every change. */
  readonly version: number
  readonly createdAt: Date
  readonly changedAt: Date
}

/** What can be said of a user. Absent: as it is; null: taken away. */
export interface AccountChange {
  readonly userName?: string | null
  readonly email?: string | null
  readonly emailVerified?: boolean
  readonly displayName?: string | null
  readonly givenName?: string | null
  readonly familyName?: string | null
  readonly externalId?: string | null
  readonly active?: boolean
}

export interface Group {
  readonly id: GroupId
  readonly displayName: string
  readonly externalId: string | undefined
  readonly members: readonly Subject[]
  readonly version: number
  readonly createdAt: Date
  readonly changedAt: Date
}

export interface GroupChange {
  readonly displayName?: string
  readonly externalId?: string | null
  /** All members, instead of those before. */
  readonly members?: readonly Subject[]
}

/** What a user may, from groups, roles, roles within roles and overrides, at this moment. */
export interface Authority {
  /** Effective everywhere in the tenant. Sorted. */
  readonly roles: readonly string[]
  /** Of those roles, and of the account itself. Sorted. */
  readonly scopes: readonly string[]
  /** Roles that are effective at a place only, or withheld there, as `role@place` and `!role@place`. Sorted. */
  readonly placedRoles: readonly string[]
}

/** One page of something in a stable order. */
export interface Page<T> {
  readonly items: readonly T[]
  /** All that there are, not only here. */
  readonly total: number
}

export interface PageRequest {
  /** How many to leave out. */
  readonly offset: number
  /** At most so many. */
  readonly limit: number
}

/**
 * The users and groups of realms: the authority for which user belongs to which tenant. Every call
 * names the tenant, and sees and changes nothing of another. A change that ends access (a user made
 * inactive or removed) is published as a revocation before the call returns.
 *
 * Every method may throw RingfenceError `engine_unavailable`; those that change something
 * `not_found` (realm, user, group or member), `conflict` (a name that is taken),
 * `precondition_failed` (another version than expected) and `invalid_argument`.
 */
export interface Directory {
  account(tenant: TenantId, subject: Subject): Promise<Account | undefined>
  /** By what the user types: user name, or verified e-mail address. */
  findBySignInName(tenant: TenantId, name: string): Promise<Account | undefined>
  findByExternalId(tenant: TenantId, externalId: string): Promise<Account | undefined>
  /** Ordered by subject. */
  accounts(tenant: TenantId, page: PageRequest, filter?: AccountFilter): Promise<Page<Account>>
  /** With a random subject unless one is given. */
  createAccount(tenant: TenantId, account: AccountChange, subject?: Subject): Promise<Account>
  changeAccount(
    tenant: TenantId,
    subject: Subject,
    change: AccountChange,
    expectedVersion?: number,
  ): Promise<Account>
  removeAccount(tenant: TenantId, subject: Subject, expectedVersion?: number): Promise<void>

  group(tenant: TenantId, id: GroupId): Promise<Group | undefined>
  /** Ordered by id. */
  groups(tenant: TenantId, page: PageRequest, filter?: GroupFilter): Promise<Page<Group>>
  groupsOf(tenant: TenantId, subject: Subject): Promise<readonly Group[]>
  /** With a random id unless one is given. */
  createGroup(
    tenant: TenantId,
    group: GroupChange & { displayName: string },
    id?: GroupId,
  ): Promise<Group>
  changeGroup(
    tenant: TenantId,
    id: GroupId,
    change: GroupChange,
    expectedVersion?: number,
  ): Promise<Group>
  removeGroup(tenant: TenantId, id: GroupId, expectedVersion?: number): Promise<void>

  /** Undefined when there is no such user, or it is not active, or its realm is closed. */
  authority(tenant: TenantId, subject: Subject): Promise<Authority | undefined>
}

/** Conditions that all hold. Names and addresses compare without case, ids as they are. */
export type AccountFilter = readonly Condition<
  'userName' | 'email' | 'externalId' | 'displayName' | 'givenName' | 'familyName' | 'subject'
>[]
export type GroupFilter = readonly Condition<'displayName' | 'externalId' | 'id' | 'member'>[]

export interface Condition<Field extends string> {
  readonly field: Field
  /** `after`: later in the order of lists, which is that of bytes. For ids. */
  readonly is: 'equal' | 'notEqual' | 'contains' | 'startsWith' | 'endsWith' | 'present' | 'after'
  /** Absent for `present`. */
  readonly value?: string
}
