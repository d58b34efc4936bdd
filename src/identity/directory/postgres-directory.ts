import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { IdentityDatabase } from '../identity-database.ts'
import { AccountStore } from './account-store.ts'
import { readAuthority } from './authority-store.ts'
import type {
  Account,
  AccountChange,
  AccountFilter,
  Authority,
  Directory,
  Group,
  GroupChange,
  GroupFilter,
  Page,
  PageRequest,
} from './directory.ts'
import type { EndAccess } from './end-access.ts'
import type { GroupId } from './group-id.ts'
import { GroupStore } from './group-store.ts'

export interface PostgresDirectoryOptions {
  readonly database: IdentityDatabase
  /** Called in the transaction that makes a user inactive or removes it. */
  readonly endAccess: EndAccess
}

/** The directory of all realms, in the schema `identity`. */
export class PostgresDirectory implements Directory {
  readonly #database: IdentityDatabase
  readonly #accounts: AccountStore
  readonly #groups: GroupStore

  constructor({ database, endAccess }: PostgresDirectoryOptions) {
    this.#database = database
    this.#accounts = new AccountStore(database, endAccess)
    this.#groups = new GroupStore(database)
  }

  account(tenant: TenantId, subject: Subject): Promise<Account | undefined> {
    return this.#accounts.account(tenant, subject)
  }

  findBySignInName(tenant: TenantId, name: string): Promise<Account | undefined> {
    return this.#accounts.findBySignInName(tenant, name)
  }

  findByExternalId(tenant: TenantId, externalId: string): Promise<Account | undefined> {
    return this.#accounts.findByExternalId(tenant, externalId)
  }

  accounts(tenant: TenantId, page: PageRequest, filter?: AccountFilter): Promise<Page<Account>> {
    return this.#accounts.page(tenant, page, filter ?? [])
  }

  createAccount(tenant: TenantId, account: AccountChange, subject?: Subject): Promise<Account> {
    return this.#accounts.create(tenant, account, subject)
  }

  changeAccount(
    tenant: TenantId,
    subject: Subject,
    change: AccountChange,
    expectedVersion?: number,
  ): Promise<Account> {
    return this.#accounts.change(tenant, subject, change, expectedVersion)
  }

  removeAccount(tenant: TenantId, subject: Subject, expectedVersion?: number): Promise<void> {
    return this.#accounts.remove(tenant, subject, expectedVersion)
  }

  group(tenant: TenantId, id: GroupId): Promise<Group | undefined> {
    return this.#groups.group(tenant, id)
  }

  groups(tenant: TenantId, page: PageRequest, filter?: GroupFilter): Promise<Page<Group>> {
    return this.#groups.page(tenant, page, filter ?? [])
  }

  groupsOf(tenant: TenantId, subject: Subject): Promise<readonly Group[]> {
    return this.#groups.groupsOf(tenant, subject)
  }

  createGroup(
    tenant: TenantId,
    group: GroupChange & { displayName: string },
    id?: GroupId,
  ): Promise<Group> {
    return this.#groups.create(tenant, group, id)
  }

  changeGroup(
    tenant: TenantId,
    id: GroupId,
    change: GroupChange,
    expectedVersion?: number,
  ): Promise<Group> {
    return this.#groups.change(tenant, id, change, expectedVersion)
  }

  removeGroup(tenant: TenantId, id: GroupId, expectedVersion?: number): Promise<void> {
    return this.#groups.remove(tenant, id, expectedVersion)
  }

  authority(tenant: TenantId, subject: Subject): Promise<Authority | undefined> {
    return readAuthority(this.#database, tenant, subject)
  }
}
