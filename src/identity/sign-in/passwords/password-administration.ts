import { RingfenceError } from '../../../core/errors.ts'
import type { Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { SignInParts } from '../sign-in-parts.ts'
import { enterChange } from '../../entering.ts'

/** What an administrator may do about the factors of users, who are told by nothing but its effect. */
export class PasswordAdministration {
  readonly #parts: SignInParts

  constructor(parts: SignInParts) {
    this.#parts = parts
  }

  /**
   * Sets a first password, which the user must replace when signing in with it.
   * @throws RingfenceError `not_found`, `invalid_argument` (too weak), `overloaded`
   */
  async setFirst(tenant: TenantId, subject: Subject, password: string): Promise<void> {
    await this.#refuseUnknown(tenant, subject)
    const { database, newPasswords, passwords } = this.#parts
    const ready = await newPasswords.prepare(tenant, subject, password)
    if ('problem' in ready) {
      throw new RingfenceError('invalid_argument', `the password is refused: ${ready.problem}`)
    }
    await database.transaction(async (rows) => {
      await passwords.set(rows, tenant, subject, ready.hash)
      await rows.query(
        'update identity.password set must_change = true where tenant = $1 and subject = $2',
        [tenant, subject],
      )
    })
  }

  /**
   * Takes every second factor from a user who has lost them, and ends what was issued. The next
   * sign-in is by password alone, or enrols one where the policy demands it.
   * @throws RingfenceError `not_found`
   */
  async resetSecondFactors(tenant: TenantId, subject: Subject): Promise<void> {
    await this.#refuseUnknown(tenant, subject)
    await this.#parts.database.transaction(async (rows) => {
      for (const table of ['totp', 'passkey', 'recovery_code', 'sign_in_attempt']) {
        await rows.query(`delete from identity.${table} where tenant = $1 and subject = $2`, [
          tenant,
          subject,
        ])
      }
      await enterChange(rows, tenant, 'factors.reset', subject)
      await this.#parts.endAccess(rows, tenant, subject)
    })
  }

  async #refuseUnknown(tenant: TenantId, subject: Subject): Promise<void> {
    if ((await this.#parts.directory.account(tenant, subject)) === undefined) {
      throw new RingfenceError('not_found', 'there is no such user')
    }
  }
}
