import type { Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { Directory } from '../../directory/directory.ts'
import type { IdentityDatabase } from '../../identity-database.ts'
import type { PasswordProblem } from '../sign-in.ts'
import { readRealm } from '../sign-in-realm.ts'
import type { PasswordCheck } from './password-check.ts'
import type { Passwords } from './passwords.ts'

export interface NewPasswordsOptions {
  readonly database: IdentityDatabase
  readonly directory: Directory
  readonly passwords: Passwords
  readonly check: PasswordCheck
}

/** Judges a password for a user, and makes its hash, before a transaction begins. */
export class NewPasswords {
  readonly #options: NewPasswordsOptions

  constructor(options: NewPasswordsOptions) {
    this.#options = options
  }

  /** @throws RingfenceError `overloaded` */
  async prepare(
    tenant: TenantId,
    subject: Subject,
    password: string,
  ): Promise<{ readonly hash: string } | { readonly problem: PasswordProblem }> {
    const { database, passwords, check } = this.#options
    const problem = await check.problem(password, await this.#words(tenant, subject))
    if (problem !== undefined) return { problem }
    if (await passwords.wasUsed(database, tenant, subject, password)) {
      return { problem: 'used_before' }
    }
    return { hash: await passwords.hash(tenant, password) }
  }

  /** What a guesser of this user would try first. */
  async #words(tenant: TenantId, subject: Subject): Promise<readonly string[]> {
    const account = await this.#options.directory.account(tenant, subject)
    const realm = await readRealm(this.#options.database, tenant)
    const { userName, email, displayName, givenName, familyName } = account ?? {}
    const words = [userName, email, displayName, givenName, familyName, realm.displayName, tenant]
    return words.filter((word) => word !== undefined)
  }
}
