import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Rows } from '../identity-database.ts'
import { ONE_TIME_CODE, passkeyMethods, TWO_FACTORS } from './attempts/methods.ts'
import { EnrolledInAttempt } from './attempts/enrolled-in-attempt.ts'
import { hasSecondFactor, type Holders } from './holders.ts'
import type { SignInParts } from './sign-in-parts.ts'
import { readRealm } from './sign-in-realm.ts'
import type {
  AccountSecurity,
  Caller,
  EnrolOutcome,
  Factors,
  Holder,
  PasskeyOptions,
  PasswordOutcome,
  Refused,
  TotpEnrolment,
} from './sign-in.ts'
import { enter, enterChange } from '../entering.ts'

const REFUSED = { kind: 'refused' } as const

/** What accounts sign in with, in PostgreSQL. */
export class PostgresAccountSecurity implements AccountSecurity {
  readonly #parts: SignInParts
  readonly #holders: Holders
  readonly #enrolled = new EnrolledInAttempt()

  constructor(parts: SignInParts, holders: Holders) {
    this.#parts = parts
    this.#holders = holders
  }

  async factors(tenant: TenantId, subject: Subject): Promise<Factors | undefined> {
    const { database, directory, passwords, totp, passkeys, recoveryCodes } = this.#parts
    const account = await directory.account(tenant, subject)
    if (account?.active !== true) return undefined
    const realm = await readRealm(database, tenant)
    return {
      passwordChangedAt: (await passwords.read(database, tenant, subject))?.changedAt,
      totpSince: await totp.since(database, tenant, subject),
      passkeys: await passkeys.store.list(database, tenant, subject),
      recoveryCodes: await recoveryCodes.left(database, tenant, subject),
      secondFactorRequired: realm.secondFactorRequired,
    }
  }

  async changePassword(
    holder: Holder,
    caller: Caller,
    current: string | undefined,
    next: string,
  ): Promise<PasswordOutcome> {
    if (holder.by !== 'session' || caller.tenant !== holder.tenant) return REFUSED
    const { database, passwords, newPasswords, limits } = this.#parts
    const { tenant, subject, acr } = holder
    const second = await hasSecondFactor(database, tenant, subject)
    if (second === undefined) return REFUSED
    if (second && acr !== TWO_FACTORS) return { kind: 'sign_in_again' }
    const stored = await passwords.read(database, tenant, subject)
    const counted = await limits.password(caller, '', subject)
    if ('seconds' in counted) return { kind: 'wait', ...counted }
    if (stored === undefined) {
      const fresh = await database.transaction((rows) => this.#holders.changing(rows, holder))
      if ('kind' in fresh) return fresh
    } else if (!(await passwords.verify(tenant, stored, current ?? ''))) {
      await enter(database, tenant, {
        ...{ category: 'authentication', action: 'password.refused', decision: 'failed' },
        object: { type: 'user', id: subject },
        layer: 'sign-in',
      })
      return REFUSED
    }
    await counted.good()
    const ready = await newPasswords.prepare(tenant, subject, next)
    if ('problem' in ready) return { kind: 'weak', problem: ready.problem }
    return database.transaction(async (rows) => {
      if ((await hasSecondFactor(rows, tenant, subject)) === undefined) return REFUSED
      const now = await passwords.read(rows, tenant, subject)
      if (now?.hash !== stored?.hash) return REFUSED
      await passwords.set(rows, tenant, subject, ready.hash)
      return { kind: 'changed' } as const
    })
  }

  enrolTotp(holder: Holder): Promise<TotpEnrolment | Refused> {
    return this.#parts.database.transaction(async (rows) => {
      const who = await this.#holders.changing(rows, holder)
      if ('kind' in who) return who
      const { tenant, subject } = who
      const { displayName } = await readRealm(rows, tenant)
      const label = (await namesOf(rows, tenant, subject)).name
      const offer = await this.#parts.totp.offer(rows, tenant, subject, label, displayName)
      return offer === undefined ? REFUSED : { kind: 'enrolment', ...offer }
    })
  }

  confirmTotp(holder: Holder, code: string): Promise<EnrolOutcome> {
    return this.#parts.database.transaction(async (rows) => {
      const who = await this.#holders.changing(rows, holder)
      if ('kind' in who) return who
      const before = await this.#enrolled.before(rows, holder)
      const { tenant, subject } = who
      if (!(await this.#parts.totp.confirm(rows, tenant, subject, code))) return REFUSED
      await enterChange(rows, tenant, 'totp.enrolled', subject)
      await this.#enrolled.note(rows, before, [ONE_TIME_CODE])
      return this.#enrolledWithCodes(rows, tenant, subject)
    })
  }

  removeTotp(holder: Holder): Promise<{ readonly kind: 'removed' } | Refused> {
    return this.#removing(holder, 'totp.removed', (rows, tenant, subject) =>
      this.#parts.totp.remove(rows, tenant, subject),
    )
  }

  async passkeyRegistrationOptions(
    holder: Holder,
  ): Promise<{ readonly kind: 'options'; readonly options: PasskeyOptions } | Refused> {
    const { database, passkeys } = this.#parts
    const who = await database.transaction((rows) => this.#holders.changing(rows, holder))
    if ('kind' in who) return who
    const { tenant, subject, challengeHolder } = who
    const realm = await readRealm(database, tenant)
    const user = { subject, ...(await namesOf(database, tenant, subject)) }
    const options = await passkeys.registrationOptions(tenant, realm, challengeHolder, user)
    return { kind: 'options', options }
  }

  async registerPasskey(holder: Holder, response: unknown, label: string): Promise<EnrolOutcome> {
    const { database, passkeys } = this.#parts
    const who = await database.transaction((rows) => this.#holders.changing(rows, holder))
    if ('kind' in who) return who
    const { tenant, subject, challengeHolder } = who
    const realm = await readRealm(database, tenant)
    const made = await passkeys.registered(tenant, realm, challengeHolder, subject, response)
    if (made === undefined) return REFUSED
    return database.transaction(async (rows) => {
      const still = await this.#holders.changing(rows, holder)
      if ('kind' in still) return still
      const before = await this.#enrolled.before(rows, holder)
      if (!(await passkeys.store.add(rows, tenant, made, label))) return REFUSED
      await enterChange(rows, tenant, 'passkey.enrolled', subject)
      await this.#enrolled.note(rows, before, passkeyMethods(made.synced))
      return this.#enrolledWithCodes(rows, tenant, subject)
    })
  }

  renamePasskey(
    holder: Holder,
    id: string,
    label: string,
  ): Promise<{ readonly kind: 'renamed' } | Refused> {
    return this.#parts.database.transaction(async (rows) => {
      const who = await this.#holders.ofSession(rows, holder)
      if ('kind' in who) return who
      const { store } = this.#parts.passkeys
      const renamed = await store.rename(rows, who.tenant, who.subject, id, label)
      return renamed ? { kind: 'renamed' } : REFUSED
    })
  }

  removePasskey(holder: Holder, id: string): Promise<{ readonly kind: 'removed' } | Refused> {
    return this.#removing(holder, 'passkey.removed', (rows, tenant, subject) =>
      this.#parts.passkeys.store.remove(rows, tenant, subject, id),
    )
  }

  newRecoveryCodes(
    holder: Holder,
  ): Promise<{ readonly kind: 'codes'; readonly codes: readonly string[] } | Refused> {
    return this.#parts.database.transaction(async (rows) => {
      const who = await this.#holders.ofSession(rows, holder)
      if ('kind' in who) return who
      const { tenant, subject } = who
      // Codes stand in for a second factor; without one they would be one.
      if ((await hasSecondFactor(rows, tenant, subject)) !== true) return REFUSED
      await enterChange(rows, tenant, 'recovery-codes.renewed', subject)
      return { kind: 'codes', codes: await this.#parts.recoveryCodes.renew(rows, tenant, subject) }
    })
  }

  /** Takes a factor away, unless the policy demands the last one. */
  #removing(
    holder: Holder,
    action: 'totp.removed' | 'passkey.removed',
    remove: (rows: Rows, tenant: TenantId, subject: Subject) => Promise<boolean>,
  ): Promise<{ readonly kind: 'removed' } | Refused> {
    return this.#parts.database.transaction(async (rows) => {
      const who = await this.#holders.ofSession(rows, holder)
      if ('kind' in who) return who
      const { tenant, subject } = who
      await rows.query('savepoint whole')
      if (!(await remove(rows, tenant, subject))) return REFUSED
      await enterChange(rows, tenant, action, subject)
      if ((await hasSecondFactor(rows, tenant, subject)) === true) return { kind: 'removed' }
      if ((await readRealm(rows, tenant)).secondFactorRequired) {
        await rows.query('rollback to savepoint whole')
        return REFUSED
      }
      await this.#parts.recoveryCodes.removeAll(rows, tenant, subject)
      return { kind: 'removed' }
    })
  }

  /** With the first second factor come codes for when it is lost. */
  async #enrolledWithCodes(rows: Rows, tenant: TenantId, subject: Subject): Promise<EnrolOutcome> {
    const { recoveryCodes } = this.#parts
    const some = (await recoveryCodes.left(rows, tenant, subject)) > 0
    const codes = some ? undefined : await recoveryCodes.renew(rows, tenant, subject)
    return { kind: 'enrolled', recoveryCodes: codes }
  }
}

/** What authenticators show of a user. */
async function namesOf(
  rows: Rows,
  tenant: TenantId,
  subject: Subject,
): Promise<{ readonly name: string; readonly displayName: string }> {
  const [row] = await rows.query<{ name: string; shown: string | null }>(
    `select coalesce(user_name, email, display_name, subject) as name, display_name as shown
     from identity.account where tenant = $1 and subject = $2`,
    [tenant, subject],
  )
  const name = row?.name ?? subject
  return { name, displayName: row?.shown ?? name }
}
